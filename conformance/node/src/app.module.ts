import { Module } from '@nestjs/common';

import { ProducerModule } from './producer/producer.module.js';

@Module({ imports: [ProducerModule] })
export class AppModule {}
