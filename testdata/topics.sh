# cluster prod (kafka-1:9092,kafka-2:9092)
kafka-topics.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --create --if-not-exists \
  --topic kafka-prober-steady-internal --partitions 3 --replication-factor 3 \
  --config cleanup.policy=delete \
  --config compression.type=producer \
  --config max.message.bytes=1048588 \
  --config message.timestamp.type=CreateTime \
  --config min.insync.replicas=2 \
  --config retention.ms=3600000 \
  --config segment.bytes=67108864 \
  --config segment.ms=600000 \
  --config unclean.leader.election.enable=false

# cluster prod (kafka-1:9092,kafka-2:9092)
kafka-topics.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --create --if-not-exists \
  --topic kafka-prober-large-internal --partitions 3 --replication-factor 2 \
  --config cleanup.policy=delete \
  --config compression.type=producer \
  --config max.message.bytes=2097408 \
  --config message.timestamp.type=CreateTime \
  --config min.insync.replicas=1 \
  --config retention.ms=3600000 \
  --config segment.bytes=67108864 \
  --config segment.ms=600000 \
  --config unclean.leader.election.enable=false
