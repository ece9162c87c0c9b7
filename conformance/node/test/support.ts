import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { CreateQueueCommand, Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

assert.ok(process.env.AWS_ENDPOINT_URL_SQS, 'AWS_ENDPOINT_URL_SQS names the server under test');

/** The endpoint as the environment names it, without a slash at its end. */
export const endpoint = process.env.AWS_ENDPOINT_URL_SQS.replace(/\/$/, '');

/** A client that was told nothing: endpoint, region and credentials come from the environment. */
export const sqs = new SQSClient({});

export const unique = (prefix: string, fifo = false) => `${prefix}-${randomUUID()}${fifo ? '.fifo' : ''}`;

export async function createQueue(prefix: string, attributes: Record<string, string> = {}): Promise<string> {
  const name = unique(prefix, attributes.FifoQueue === 'true');
  const created = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  return created.QueueUrl!;
}

export async function receive(QueueUrl: string, WaitTimeSeconds = 0): Promise<Message[]> {
  const answer = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  );
  return answer.Messages ?? [];
}

/** Waits for a condition, not for a time. */
export async function eventually(condition: () => boolean, what: string, seconds = 15): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `${what} did not come true within ${seconds} s`);
    await pause(20);
  }
}
