package engine

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// nonAppends are the errors that say for certain that a record is not in the log. It is an allow list:
// whatever else a promise brings (a broken connection, REQUEST_TIMED_OUT,
// NOT_ENOUGH_REPLICAS_AFTER_APPEND, exhausted retries) leaves the record's fate open.
var nonAppends = []error{
	kerr.TopicAuthorizationFailed,
	kerr.ClusterAuthorizationFailed,
	kerr.UnknownTopicOrPartition,
	kerr.UnknownTopicID,
	kerr.InvalidTopicException,
	kerr.MessageTooLarge,
	kerr.RecordListTooLarge,
	kerr.InvalidRecord,
	kerr.InvalidTimestamp,
	kerr.CorruptMessage,
	kerr.InvalidRequiredAcks,
	kerr.NotEnoughReplicas,
	kerr.NotLeaderForPartition,
	kerr.LeaderNotAvailable,
	kerr.FencedLeaderEpoch,
	kerr.PolicyViolation,
	kerr.UnsupportedCompressionType,
	kerr.UnsupportedForMessageFormat,
	kgo.ErrMaxBuffered,
}

func definite(err error) bool { return isAny(err, nonAppends) }

// missing reports that the topic, as the client knew it, is not there.
func missing(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

func isAny(err error, of []error) bool {
	for _, e := range of {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
