import { Module } from '@nestjs/common';
import { SQSClient } from '@aws-sdk/client-sqs';

import { ProducerController } from './producer.controller.js';
import { ProducerService } from './producer.service.js';

/** Sends to and reads from one FIFO queue. The client is configured by the environment alone, as it is in production. */
@Module({
  controllers: [ProducerController],
  providers: [ProducerService, { provide: SQSClient, useFactory: () => new SQSClient({}) }],
})
export class ProducerModule {}
