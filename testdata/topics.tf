# cluster prod (kafka-1:9092,kafka-2:9092)
resource "kafka_topic" "kafka_prober_steady_internal" {
  name               = "kafka-prober-steady-internal"
  partitions         = 3
  replication_factor = 3

  config = {
    "cleanup.policy"                 = "delete"
    "compression.type"               = "producer"
    "max.message.bytes"              = "1048588"
    "message.timestamp.type"         = "CreateTime"
    "min.insync.replicas"            = "2"
    "retention.ms"                   = "3600000"
    "segment.bytes"                  = "67108864"
    "segment.ms"                     = "600000"
    "unclean.leader.election.enable" = "false"
  }
}

# cluster prod (kafka-1:9092,kafka-2:9092)
resource "kafka_topic" "kafka_prober_large_internal" {
  name               = "kafka-prober-large-internal"
  partitions         = 3
  replication_factor = 2

  config = {
    "cleanup.policy"                 = "delete"
    "compression.type"               = "producer"
    "max.message.bytes"              = "2097408"
    "message.timestamp.type"         = "CreateTime"
    "min.insync.replicas"            = "1"
    "retention.ms"                   = "3600000"
    "segment.bytes"                  = "67108864"
    "segment.ms"                     = "600000"
    "unclean.leader.election.enable" = "false"
  }
}
