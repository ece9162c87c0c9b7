import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import {
  BatchEntryIdsNotDistinct,
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  paginateListQueues,
  PurgeQueueCommand,
  PurgeQueueInProgress,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  SQSServiceException,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';

import { createQueue, endpoint, receive, sqs, unique } from './support.js';

after(() => sqs.destroy());

test('the QueueUrl is on the origin that the client used, because later calls go there', async () => {
  const url = await createQueue('origin');
  assert.ok(url.startsWith(`${endpoint}/000000000000/origin-`), url);
  const elsewhere = endpoint.replace('127.0.0.1', 'localhost');
  const other = new SQSClient({ endpoint: elsewhere });
  const name = url.split('/').pop()!;
  const { QueueUrl } = await other.send(new GetQueueUrlCommand({ QueueName: name }));
  assert.equal(QueueUrl, `${elsewhere}/000000000000/${name}`);
  await other.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' }));
  assert.equal((await receive(url)).length, 1);
  other.destroy();
});

test('an endpoint with a path', async () => {
  const client = new SQSClient({ endpoint: `${endpoint}/000000000000` });
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: unique('path') }));
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' }));
  const answer = await client.send(new ReceiveMessageCommand({ QueueUrl, AttributeNames: ['All'], WaitTimeSeconds: 5 }));
  assert.equal(answer.Messages?.[0]?.Body, 'm');
  client.destroy();
});

test('bodies, attributes and their digests, which the SDK checks itself', async () => {
  const url = await createQueue('digests');
  const attributes = {
    Text: { DataType: 'String', StringValue: '봉수\r\n' },
    'Number.int': { DataType: 'Number.int', StringValue: '42' },
    Binary: { DataType: 'Binary', BinaryValue: Uint8Array.from({ length: 256 }, (_, index) => index) },
  };
  for (const body of ['Hello World!', '봉수 🔥 & <xml> "q" \r\n\t', 'x'.repeat(1024 * 1024 - 1000)]) {
    const sent = await sqs.send(
      new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes: attributes }),
    );
    assert.equal(sent.MD5OfMessageBody, createHash('md5').update(body).digest('hex'));
    const [message, ...others] = await receive(url, 5);
    assert.equal(others.length, 0);
    assert.equal(message?.Body, body);
    assert.equal(message?.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
    assert.deepEqual(message?.MessageAttributes, attributes);
    assert.deepEqual(Object.keys(message?.Attributes ?? {}).sort(), [
      'ApproximateFirstReceiveTimestamp',
      'ApproximateReceiveCount',
      'SenderId',
      'SentTimestamp',
    ]);
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle }));
  }
});

test('batches answer each entry', async () => {
  const url = await createQueue('batch', { MaximumMessageSize: '1024' });
  const sent = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'one', MessageBody: '1' },
        { Id: 'two', MessageBody: '2' },
        { Id: 'large', MessageBody: 'x'.repeat(1025) },
      ],
    }),
  );
  assert.deepEqual(sent.Successful?.map((entry) => entry.Id), ['one', 'two']);
  assert.deepEqual(
    sent.Failed?.map(({ Id, Code, SenderFault }) => ({ Id, Code, SenderFault })),
    [{ Id: 'large', Code: 'InvalidParameterValue', SenderFault: true }],
  );
  const messages = await receive(url, 5);
  assert.deepEqual(messages.map((message) => message.Body).sort(), ['1', '2']);
  const back = await sqs.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl: url,
      Entries: messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle, VisibilityTimeout: 0 })),
    }),
  );
  assert.equal(back.Successful?.length, 2);
  const again = await receive(url, 5);
  const deleted = await sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: url,
      Entries: again.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle })),
    }),
  );
  assert.equal(deleted.Successful?.length, 2);
  assert.equal(deleted.Failed?.length ?? 0, 0);
});

test('a long poll returns when a message arrives', async () => {
  const url = await createQueue('poll');
  const started = Date.now();
  const polling = receive(url, 20);
  await pause(500);
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'm' }));
  assert.equal((await polling)[0]?.Body, 'm');
  assert.ok(Date.now() - started < 5000);
});

test('an aborted long poll takes no message with it', async () => {
  const url = await createQueue('abort');
  const controller = new AbortController();
  const polling = sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
    abortSignal: controller.signal,
  });
  await pause(500);
  controller.abort();
  await assert.rejects(polling, { name: 'AbortError' });
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'm' }));
  assert.equal((await receive(url, 5))[0]?.Body, 'm');
});

test('errors are the typed exceptions of the SDK', async () => {
  const missing = sqs.send(new GetQueueUrlCommand({ QueueName: unique('missing') }));
  await assert.rejects(missing, (error: unknown) => {
    assert.ok(error instanceof QueueDoesNotExist);
    assert.equal(error.message, 'The specified queue does not exist.');
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.equal((error as unknown as { Code: string }).Code, 'AWS.SimpleQueueService.NonExistentQueue');
    assert.ok(error.$metadata.requestId);
    return true;
  });

  const url = await createQueue('errors');
  const name = url.split('/').pop()!;
  const different = new CreateQueueCommand({ QueueName: name, Attributes: { DelaySeconds: '7' } });
  await assert.rejects(sqs.send(different), QueueNameExists);
  await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  await assert.rejects(sqs.send(new PurgeQueueCommand({ QueueUrl: url })), PurgeQueueInProgress);
  const twice = { Id: 'a', MessageBody: 'm' };
  const batch = new SendMessageBatchCommand({ QueueUrl: url, Entries: [twice, twice] });
  await assert.rejects(sqs.send(batch), BatchEntryIdsNotDistinct);
  const tooMany = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 11 });
  await assert.rejects(sqs.send(tooMany), (error: unknown) => {
    assert.ok(error instanceof SQSServiceException);
    assert.equal((error as unknown as { Code: string }).Code, 'InvalidParameterValue');
    assert.match(error.message, /^Value 11 for parameter MaxNumberOfMessages is invalid\./);
    return true;
  });
});

test('queues, attributes and tags', async () => {
  const prefix = unique('admin');
  const urls: string[] = [];
  for (const index of [0, 1, 2]) {
    const created = await sqs.send(new CreateQueueCommand({ QueueName: `${prefix}-${index}`, tags: { index: `${index}` } }));
    urls.push(created.QueueUrl!);
  }
  const listed = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  assert.deepEqual(listed.QueueUrls?.sort(), urls);
  const paged: string[] = [];
  for await (const page of paginateListQueues({ client: sqs, pageSize: 1 }, { QueueNamePrefix: prefix })) {
    paged.push(...(page.QueueUrls ?? []));
  }
  assert.deepEqual(paged.sort(), urls);

  const QueueUrl = urls[0]!;
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '7' } }));
  const found = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['VisibilityTimeout', 'QueueArn'] }),
  );
  assert.deepEqual(found.Attributes, {
    VisibilityTimeout: '7',
    QueueArn: `arn:aws:sqs:us-east-1:000000000000:${prefix}-0`,
  });
  await sqs.send(new TagQueueCommand({ QueueUrl, Tags: { team: 'search' } }));
  await sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['index'] }));
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { team: 'search' });

  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await assert.rejects(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' })), QueueDoesNotExist);
});
