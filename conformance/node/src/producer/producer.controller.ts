import { Body, Controller, Get, Inject, Post } from '@nestjs/common';

import { ProducerService } from './producer.service.js';

export interface Received {
  messageId: string;
  body: unknown;
}

@Controller('producer')
export class ProducerController {
  constructor(@Inject(ProducerService) private readonly producer: ProducerService) {}

  @Post('sqs')
  async send(@Body() body: unknown): Promise<{ messageId: string }> {
    return { messageId: await this.producer.send(body) };
  }

  @Get('sqs')
  async receive(): Promise<Received[]> {
    const messages = await this.producer.receive();
    return messages.map((message) => ({ messageId: message.MessageId!, body: JSON.parse(message.Body!) }));
  }
}
