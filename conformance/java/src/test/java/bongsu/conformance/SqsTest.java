package bongsu.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchEntryIdsNotDistinctException;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.EmptyBatchRequestException;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.PurgeQueueInProgressException;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.QueueNameExistsException;
import software.amazon.awssdk.services.sqs.model.ReceiptHandleIsInvalidException;
import software.amazon.awssdk.services.sqs.model.ResourceNotFoundException;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** The SDK checks the digests of bodies and attributes itself, on each send and receive. */
class SqsTest {
    private static SqsClient sqs;

    @BeforeAll
    static void connect() {
        assertNotNull(System.getenv("AWS_ENDPOINT_URL_SQS"), "AWS_ENDPOINT_URL_SQS names the server under test");
        sqs = SqsClient.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(Duration.ofSeconds(40)))
                .build();
    }

    @AfterAll
    static void disconnect() {
        sqs.close();
    }

    private static String unique(String prefix) {
        return prefix + "-" + UUID.randomUUID();
    }

    private static String createQueue(String name, Map<QueueAttributeName, String> attributes) {
        return sqs.createQueue(request -> request.queueName(name).attributes(attributes)).queueUrl();
    }

    private static List<Message> receive(String url, int waitSeconds) {
        return sqs.receiveMessage(request -> request
                .queueUrl(url)
                .maxNumberOfMessages(10)
                .waitTimeSeconds(waitSeconds)
                .messageAttributeNames("All")
                .messageSystemAttributeNames(MessageSystemAttributeName.ALL)).messages();
    }

    private static Message receiveOne(String url) {
        List<Message> messages = receive(url, 10);
        assertEquals(1, messages.size());
        return messages.get(0);
    }

    private static void delete(String url, Message message) {
        sqs.deleteMessage(request -> request.queueUrl(url).receiptHandle(message.receiptHandle()));
    }

    private static String arn(String url) {
        return sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes().get(QueueAttributeName.QUEUE_ARN);
    }

    private static String md5(String text) throws Exception {
        byte[] digest = MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest);
    }

    @Test
    void helloWorld() throws Exception {
        String name = unique("hello");
        createQueue(name, Map.of());
        String url = sqs.getQueueUrl(request -> request.queueName(name)).queueUrl();

        Instant started = Instant.now();
        CompletableFuture<List<Message>> poll = CompletableFuture.supplyAsync(() -> receive(url, 20));
        TimeUnit.MILLISECONDS.sleep(500); // Nothing shows from outside that the poll has arrived.
        SendMessageResponse sent = sqs.sendMessage(request -> request.queueUrl(url).messageBody("Hello World!"));
        assertEquals(md5("Hello World!"), sent.md5OfMessageBody());

        Message message = poll.get(25, TimeUnit.SECONDS).get(0);
        assertTrue(Duration.between(started, Instant.now()).toSeconds() < 5, "a long poll ends when a message arrives");
        assertEquals("Hello World!", message.body());
        assertEquals(sent.messageId(), message.messageId());
        assertEquals(
                Set.of(
                        MessageSystemAttributeName.SENDER_ID,
                        MessageSystemAttributeName.SENT_TIMESTAMP,
                        MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT,
                        MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP),
                message.attributes().keySet());
        delete(url, message);
        assertEquals(List.of(), receive(url, 0));
    }

    @Test
    void aMissingQueueIsTyped() {
        QueueDoesNotExistException error = assertThrows(
                QueueDoesNotExistException.class, () -> sqs.getQueueUrl(request -> request.queueName(unique("missing"))));
        assertEquals("The specified queue does not exist.", error.awsErrorDetails().errorMessage());
        assertEquals("AWS.SimpleQueueService.NonExistentQueue", error.awsErrorDetails().errorCode());
        assertEquals(400, error.statusCode());
        assertNotNull(error.requestId());
    }

    @Test
    void otherErrorsAreTypedToo() {
        String name = unique("errors");
        String url = createQueue(name, Map.of());
        assertThrows(
                QueueNameExistsException.class, () -> createQueue(name, Map.of(QueueAttributeName.DELAY_SECONDS, "7")));
        assertThrows(
                ReceiptHandleIsInvalidException.class,
                () -> sqs.deleteMessage(request -> request.queueUrl(url).receiptHandle("garbage")));
        assertThrows(
                EmptyBatchRequestException.class,
                () -> sqs.sendMessageBatch(request -> request.queueUrl(url).entries(List.of())));
        SendMessageBatchRequestEntry twice = SendMessageBatchRequestEntry.builder().id("a").messageBody("m").build();
        assertThrows(
                BatchEntryIdsNotDistinctException.class,
                () -> sqs.sendMessageBatch(request -> request.queueUrl(url).entries(twice, twice)));
        sqs.purgeQueue(request -> request.queueUrl(url));
        assertThrows(PurgeQueueInProgressException.class, () -> sqs.purgeQueue(request -> request.queueUrl(url)));
        String absent = arn(url) + "-absent";
        assertThrows(
                ResourceNotFoundException.class, () -> sqs.startMessageMoveTask(request -> request.sourceArn(absent)));
        SqsException error = assertThrows(
                SqsException.class, () -> sqs.receiveMessage(request -> request.queueUrl(url).maxNumberOfMessages(11)));
        assertEquals("InvalidParameterValue", error.awsErrorDetails().errorCode());
        assertEquals(
                "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
                error.awsErrorDetails().errorMessage());
    }

    @Test
    void bodiesAndAttributesComeBackUnchanged() {
        String url = createQueue(unique("bodies"), Map.of());
        Map<String, MessageAttributeValue> attributes = Map.of(
                "Text", MessageAttributeValue.builder().dataType("String").stringValue("봉수\r\n").build(),
                "Number.int", MessageAttributeValue.builder().dataType("Number.int").stringValue("42").build(),
                "Binary", MessageAttributeValue.builder().dataType("Binary.gif")
                        .binaryValue(SdkBytes.fromByteArray(new byte[] {0, 1, -1})).build());
        for (String body : List.of("plain", "봉수 🔥 & <xml> \"q\" \r\n\t", "x".repeat(1_048_000))) {
            SendMessageResponse sent = sqs.sendMessage(
                    request -> request.queueUrl(url).messageBody(body).messageAttributes(attributes));
            Message message = receiveOne(url);
            assertEquals(body, message.body());
            assertEquals(sent.md5OfMessageAttributes(), message.md5OfMessageAttributes());
            assertEquals(attributes, message.messageAttributes());
            delete(url, message);
        }
    }

    @Test
    void batches() {
        String url = createQueue(unique("batch"), Map.of());
        List<SendMessageBatchRequestEntry> entries = IntStream.range(0, 10)
                .mapToObj(n -> SendMessageBatchRequestEntry.builder().id("id-" + n).messageBody("m" + n).build())
                .toList();
        assertEquals(10, sqs.sendMessageBatch(request -> request.queueUrl(url).entries(entries)).successful().size());
        List<Message> messages = new ArrayList<>();
        while (messages.size() < 10) {
            List<Message> more = receive(url, 5);
            assertFalse(more.isEmpty());
            messages.addAll(more);
        }
        assertEquals(
                entries.stream().map(SendMessageBatchRequestEntry::messageBody).collect(Collectors.toSet()),
                messages.stream().map(Message::body).collect(Collectors.toSet()));
        List<DeleteMessageBatchRequestEntry> deletes = messages.stream()
                .map(m -> DeleteMessageBatchRequestEntry.builder().id(m.messageId()).receiptHandle(m.receiptHandle()).build())
                .toList();
        assertEquals(10, sqs.deleteMessageBatch(request -> request.queueUrl(url).entries(deletes)).successful().size());
    }

    @Test
    void fifoGroupsAndDeduplication() {
        Map<QueueAttributeName, String> attributes =
                Map.of(QueueAttributeName.FIFO_QUEUE, "true", QueueAttributeName.CONTENT_BASED_DEDUPLICATION, "true");
        String url = createQueue(unique("fifo") + ".fifo", attributes);
        Consumer<String> send = body -> sqs.sendMessage(
                request -> request.queueUrl(url).messageBody(body).messageGroupId("g"));
        List.of("one", "two", "one").forEach(send);
        List<Message> messages = receive(url, 5);
        assertEquals(List.of("one", "two"), messages.stream().map(Message::body).toList());
        send.accept("three");
        assertEquals(List.of(), receive(url, 0), "the group is in flight");
        messages.forEach(message -> delete(url, message));
        Message third = receiveOne(url);
        assertEquals("three", third.body());
        assertEquals("g", third.attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID));
        assertTrue(third.attributes().get(MessageSystemAttributeName.SEQUENCE_NUMBER).matches("\\d{20}"));
    }

    @Test
    void aMessageThatIsGivenBackIsThereAtOnce() {
        String url = createQueue(unique("nack"), Map.of());
        sqs.sendMessage(request -> request.queueUrl(url).messageBody("m"));
        Message first = receiveOne(url);
        sqs.changeMessageVisibility(
                request -> request.queueUrl(url).receiptHandle(first.receiptHandle()).visibilityTimeout(0));
        Message second = receiveOne(url);
        assertEquals(first.messageId(), second.messageId());
        assertEquals("2", second.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT));
    }

    @Test
    void queuesTagsAndPages() {
        String prefix = unique("pages");
        List<String> urls = IntStream.range(0, 3).mapToObj(n -> createQueue(prefix + "-" + n, Map.of())).toList();
        List<String> listed = sqs.listQueuesPaginator(request -> request.queueNamePrefix(prefix).maxResults(2))
                .queueUrls().stream().sorted().toList();
        assertEquals(urls, listed);
        String url = urls.get(0);
        sqs.tagQueue(request -> request.queueUrl(url).tags(Map.of("team", "search", "Team", "other")));
        sqs.untagQueue(request -> request.queueUrl(url).tagKeys("Team"));
        assertEquals(Map.of("team", "search"), sqs.listQueueTags(request -> request.queueUrl(url)).tags());
        sqs.setQueueAttributes(
                request -> request.queueUrl(url).attributes(Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "7")));
        Map<QueueAttributeName, String> all =
                sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(QueueAttributeName.ALL)).attributes();
        assertEquals("7", all.get(QueueAttributeName.VISIBILITY_TIMEOUT));
        sqs.deleteQueue(request -> request.queueUrl(url));
        assertThrows(QueueDoesNotExistException.class, () -> receive(url, 0));
    }
}
