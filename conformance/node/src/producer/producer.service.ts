import { randomUUID } from 'node:crypto';

import { Inject, Injectable, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  Message,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

const GROUP = 'producer';

@Injectable()
export class ProducerService implements OnModuleInit, OnModuleDestroy {
  private queueUrl = '';

  constructor(@Inject(SQSClient) private readonly sqs: SQSClient) {}

  async onModuleInit(): Promise<void> {
    const name = process.env.PRODUCER_QUEUE ?? 'producer.fifo';
    try {
      this.queueUrl = (await this.sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl!;
    } catch (error) {
      if (!(error instanceof QueueDoesNotExist)) throw error;
      const create = new CreateQueueCommand({ QueueName: name, Attributes: { FifoQueue: 'true' } });
      this.queueUrl = (await this.sqs.send(create)).QueueUrl!;
    }
  }

  onModuleDestroy(): void {
    this.sqs.destroy();
  }

  async send(body: unknown): Promise<string> {
    const sent = await this.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.queueUrl,
        MessageBody: JSON.stringify(body),
        MessageGroupId: GROUP,
        MessageDeduplicationId: randomUUID(),
      }),
    );
    return sent.MessageId!;
  }

  /** Receives up to three, deletes the first and gives the second back at once. */
  async receive(): Promise<Message[]> {
    const QueueUrl = this.queueUrl;
    const received = await this.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 3, VisibilityTimeout: 10 }),
    );
    const messages = received.Messages ?? [];
    const [first, second] = messages;
    if (first) {
      await this.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first.ReceiptHandle }));
    }
    if (second) {
      await this.sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: second.ReceiptHandle, VisibilityTimeout: 0 }),
      );
    }
    return messages;
  }
}
