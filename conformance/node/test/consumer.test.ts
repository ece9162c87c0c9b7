import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Message } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { Producer } from 'sqs-producer';

import { createQueue, eventually, receive, sqs } from './support.js';

after(() => sqs.destroy());

test('sqs-producer and sqs-consumer in batches', async () => {
  const queueUrl = await createQueue('consumer');
  const producer = Producer.create({ queueUrl, sqs });
  const bodies = Array.from({ length: 25 }, (_, index) => `message ${index}`);
  const sent = await producer.send(bodies.map((body, index) => ({ id: `id-${index}`, body })));
  assert.equal(sent.length, 25);
  assert.equal(await producer.queueSize(), 25);

  const handled: string[] = [];
  const errors: Error[] = [];
  const consumer = Consumer.create({
    queueUrl,
    sqs,
    batchSize: 10,
    waitTimeSeconds: 20,
    handleMessageBatch: async (messages: Message[]) => {
      handled.push(...messages.map((message) => message.Body!));
      return messages;
    },
  });
  consumer.on('error', (error) => errors.push(error));
  consumer.on('processing_error', (error) => errors.push(error));
  consumer.start();
  await eventually(() => handled.length >= 25 || errors.length > 0, 'the work');
  await eventually(() => consumer.status.isPolling, 'an idle long poll');
  const stopped = new Promise((resolve) => consumer.once('stopped', resolve));
  consumer.stop({ abort: true });
  await stopped;
  assert.deepEqual(errors, []);
  assert.deepEqual([...handled].sort(), [...bodies].sort());
  assert.equal(await producer.queueSize(), 0);
});

test('a message whose handler fails comes back after its timeout', async () => {
  const queueUrl = await createQueue('failing', { VisibilityTimeout: '1' });
  await Producer.create({ queueUrl, sqs }).send('m');
  let attempts = 0;
  const consumer = Consumer.create({
    queueUrl,
    sqs,
    waitTimeSeconds: 5,
    messageSystemAttributeNames: ['ApproximateReceiveCount'],
    handleMessage: async (message: Message) => {
      attempts += 1;
      assert.equal(message.Attributes?.ApproximateReceiveCount, `${attempts}`);
      if (attempts < 2) throw new Error('not this time');
      return message;
    },
  });
  consumer.on('error', () => undefined);
  consumer.on('processing_error', () => undefined);
  let done = false;
  consumer.on('message_processed', () => {
    done = true;
  });
  consumer.start();
  await eventually(() => done, 'the second attempt');
  consumer.stop({ abort: true });
  assert.equal(attempts, 2);
  assert.deepEqual(await receive(queueUrl, 2), []);
});
