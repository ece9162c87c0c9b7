// Package conformance runs the AWS SDK for Go v2 against a server that the environment names in AWS_ENDPOINT_URL_SQS.
package conformance

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// newClient is what users write: endpoint, region and credentials come from the environment.
func newClient(t *testing.T) *sqs.Client {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL_SQS") == "" {
		t.Fatal("AWS_ENDPOINT_URL_SQS names the server under test")
	}
	loaded, err := config.LoadDefaultConfig(t.Context(), config.WithRetryMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	return sqs.NewFromConfig(loaded)
}

func unique(prefix string) string {
	return fmt.Sprintf("%s-%016x", prefix, rand.Uint64())
}

func createQueue(t *testing.T, client *sqs.Client, name string, attributes map[string]string) string {
	t.Helper()
	created, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *created.QueueUrl
}

func send(t *testing.T, client *sqs.Client, url, body string) *sqs.SendMessageOutput {
	t.Helper()
	sent, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func receive(t *testing.T, client *sqs.Client, url string, waitSeconds int32) []types.Message {
	t.Helper()
	received, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl:                    &url,
		MaxNumberOfMessages:         10,
		WaitTimeSeconds:             waitSeconds,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return received.Messages
}

func receiveOne(t *testing.T, client *sqs.Client, url string) types.Message {
	t.Helper()
	messages := receive(t, client, url, 10)
	if len(messages) != 1 {
		t.Fatalf("%d messages instead of one", len(messages))
	}
	return messages[0]
}

func remove(t *testing.T, client *sqs.Client, url string, message types.Message) {
	t.Helper()
	input := &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: message.ReceiptHandle}
	if _, err := client.DeleteMessage(t.Context(), input); err != nil {
		t.Fatal(err)
	}
}

func digest(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func arnOf(t *testing.T, client *sqs.Client, url string) string {
	t.Helper()
	found, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	return found.Attributes["QueueArn"]
}

func TestHelloWorld(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	name := unique("hello")
	url := createQueue(t, client, name, nil)
	found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil || *found.QueueUrl != url {
		t.Fatalf("%v instead of %s: %v", found, url, err)
	}
	if !strings.HasPrefix(url, strings.TrimSuffix(os.Getenv("AWS_ENDPOINT_URL_SQS"), "/")+"/000000000000/") {
		t.Errorf("%s is not on the endpoint", url)
	}

	done := make(chan []types.Message, 1)
	started := time.Now()
	go func() { done <- receive(t, newClient(t), url, 20) }()
	time.Sleep(500 * time.Millisecond) // Nothing shows from outside that the poll has arrived.
	sent := send(t, client, url, "Hello World!")
	messages := <-done
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("the long poll took %s", took)
	}
	if len(messages) != 1 || *messages[0].Body != "Hello World!" || *messages[0].MessageId != *sent.MessageId {
		t.Fatalf("received %v", messages)
	}
	if *sent.MD5OfMessageBody != digest("Hello World!") {
		t.Errorf("digest %s", *sent.MD5OfMessageBody)
	}
	for _, attribute := range []string{
		"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	} {
		if messages[0].Attributes[attribute] == "" {
			t.Errorf("no %s", attribute)
		}
	}
	remove(t, client, url, messages[0])
	if left := receive(t, client, url, 0); len(left) != 0 {
		t.Errorf("still there: %v", left)
	}
}

func TestBodiesAndAttributesComeBackUnchanged(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	url := createQueue(t, client, unique("bodies"), nil)
	attributes := map[string]types.MessageAttributeValue{
		"Text":       {DataType: aws.String("String"), StringValue: aws.String("봉수\r\n")},
		"Number.int": {DataType: aws.String("Number.int"), StringValue: aws.String("42")},
		"Binary":     {DataType: aws.String("Binary.gif"), BinaryValue: []byte{0, 1, 255}},
	}
	for _, body := range []string{"plain", "봉수 🔥 & <xml> \"q\" \r\n\t", strings.Repeat("x", 1_048_000)} {
		sent, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageAttributes: attributes,
		})
		if err != nil {
			t.Fatal(err)
		}
		message := receiveOne(t, client, url)
		if *message.Body != body || *message.MD5OfBody != digest(body) {
			t.Errorf("a body of %d bytes came back as %d", len(body), len(*message.Body))
		}
		if *message.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
			t.Errorf("digests %s and %s", *sent.MD5OfMessageAttributes, *message.MD5OfMessageAttributes)
		}
		for name, want := range attributes {
			got := message.MessageAttributes[name]
			if *got.DataType != *want.DataType || aws.ToString(got.StringValue) != aws.ToString(want.StringValue) ||
				!bytes.Equal(got.BinaryValue, want.BinaryValue) {
				t.Errorf("%s: %v instead of %v", name, got, want)
			}
		}
		remove(t, client, url, message)
	}
}

func TestFifoOrderAndDeduplication(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	url := createQueue(t, client, unique("fifo")+".fifo", map[string]string{"FifoQueue": "true"})
	sendTo := func(body, group, deduplication string) *sqs.SendMessageOutput {
		sent, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &deduplication,
		})
		if err != nil {
			t.Fatal(err)
		}
		return sent
	}
	first := sendTo("a1", "a", "1")
	sendTo("a2", "a", "2")
	again := sendTo("another body", "a", "1")
	if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Errorf("a resend is another message: %v, %v", first, again)
	}
	messages := receive(t, client, url, 5)
	bodies := []string{}
	for _, message := range messages {
		bodies = append(bodies, *message.Body)
	}
	if !slices.Equal(bodies, []string{"a1", "a2"}) {
		t.Fatalf("received %v", bodies)
	}
	sendTo("a3", "a", "3")
	if held := receive(t, client, url, 0); len(held) != 0 {
		t.Errorf("the group is in flight, yet received %v", held)
	}
	for _, message := range messages {
		remove(t, client, url, message)
	}
	if next := receiveOne(t, client, url); *next.Body != "a3" || next.Attributes["MessageGroupId"] != "a" {
		t.Errorf("received %v", next)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	url := createQueue(t, client, unique("batch"), map[string]string{"MaximumMessageSize": "1024"})
	sent, err := client.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
		QueueUrl: &url,
		Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("one"), MessageBody: aws.String("1")},
			{Id: aws.String("two"), MessageBody: aws.String("2")},
			{Id: aws.String("large"), MessageBody: aws.String(strings.Repeat("x", 1025))},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent.Successful) != 2 || len(sent.Failed) != 1 || *sent.Failed[0].Id != "large" || !sent.Failed[0].SenderFault {
		t.Fatalf("%v, %v", sent.Successful, sent.Failed)
	}
	var entries []types.DeleteMessageBatchRequestEntry
	for len(entries) < 2 {
		for _, message := range receive(t, client, url, 5) {
			entries = append(entries, types.DeleteMessageBatchRequestEntry{
				Id: message.MessageId, ReceiptHandle: message.ReceiptHandle,
			})
		}
	}
	deleted, err := client.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil || len(deleted.Successful) != 2 || len(deleted.Failed) != 0 {
		t.Errorf("%v: %v", deleted, err)
	}
}

func TestVisibilityAndDeadLetters(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	dead := createQueue(t, client, unique("dead"), nil)
	policy, _ := json.Marshal(map[string]any{"deadLetterTargetArn": arnOf(t, client, dead), "maxReceiveCount": 2})
	url := createQueue(t, client, unique("source"), map[string]string{
		"VisibilityTimeout": "1", "RedrivePolicy": string(policy),
	})
	send(t, client, url, "m")
	message := receiveOne(t, client, url)
	_, err := client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	if again := receiveOne(t, client, url); again.Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("received for the %s. time", again.Attributes["ApproximateReceiveCount"])
	}
	var buried []types.Message
	for deadline := time.Now().Add(15 * time.Second); len(buried) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("never came to the dead letters")
		}
		if left := receive(t, client, url, 1); len(left) != 0 {
			t.Fatalf("received once too often: %v", left)
		}
		buried = receive(t, client, dead, 0)
	}
	if *buried[0].Body != "m" || buried[0].Attributes["DeadLetterQueueSourceArn"] != arnOf(t, client, url) {
		t.Errorf("buried: %v", buried[0])
	}
	started, err := client.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{
		SourceArn: aws.String(arnOf(t, client, dead)),
	})
	if err != nil || aws.ToString(started.TaskHandle) == "" {
		t.Errorf("%v: %v", started, err)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	_, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(unique("missing"))})
	var missing *types.QueueDoesNotExist
	if !errors.As(err, &missing) {
		t.Fatalf("%T: %v", err, err)
	}
	if missing.ErrorMessage() != "The specified queue does not exist." {
		t.Errorf("message %q", missing.ErrorMessage())
	}
	if missing.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("code %q", missing.ErrorCode())
	}

	name := unique("errors")
	url := createQueue(t, client, name, nil)
	_, err = client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: &name, Attributes: map[string]string{"DelaySeconds": "7"},
	})
	if exists := new(types.QueueNameExists); !errors.As(err, &exists) {
		t.Errorf("%T: %v", err, err)
	}
	_, err = client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidParameterValue" {
		t.Errorf("%T: %v", err, err)
	}
	if refused != nil && refused.ErrorFault() == smithy.FaultServer {
		t.Errorf("the caller's mistake is called the server's")
	}
	_, err = client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: aws.String("x")})
	if invalid := new(types.ReceiptHandleIsInvalid); !errors.As(err, &invalid) {
		t.Errorf("%T: %v", err, err)
	}
}

func TestACancelledPollTakesNoMessageWithIt(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	url := createQueue(t, client, unique("cancel"), nil)
	limited, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := client.ReceiveMessage(limited, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	send(t, client, url, "m")
	if message := receiveOne(t, client, url); *message.Body != "m" {
		t.Errorf("received %v", message)
	}
}

func TestQueuesTagsAndPages(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	prefix := unique("pages")
	var urls []string
	for index := range 3 {
		urls = append(urls, createQueue(t, client, fmt.Sprintf("%s-%d", prefix, index), nil))
	}
	var listed []string
	pages := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{
		QueueNamePrefix: &prefix, MaxResults: aws.Int32(2),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, page.QueueUrls...)
	}
	slices.Sort(listed)
	if !slices.Equal(listed, urls) {
		t.Errorf("listed %v", listed)
	}
	tags := map[string]string{"team": "search", "Team": "other"}
	if _, err := client.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &urls[0], Tags: tags}); err != nil {
		t.Fatal(err)
	}
	found, err := client.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: &urls[0]})
	if err != nil || len(found.Tags) != 2 || found.Tags["team"] != "search" {
		t.Errorf("%v: %v", found, err)
	}
}
