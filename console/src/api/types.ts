/** Shapes of the console's HTTP API, as crates/console answers them. Milliseconds since 1970 end in `Ms`. */

export interface Scope {
  account: string;
  region: string;
  queues: number;
}

export interface Session {
  authentication: boolean;
  signedIn: boolean;
  /** Null before somebody has signed in. */
  account: string | null;
  region: string;
  user: { name: string; arn: string } | null;
  version: string;
  endpoint: string;
  scopes: Scope[];
  startedMs: number;
}

export interface Rates {
  sent: number;
  received: number;
  deleted: number;
}

export interface QueueRow {
  name: string;
  arn: string;
  url: string;
  fifo: boolean;
  visible: number;
  inFlight: number;
  delayed: number;
  oldestAgeMs: number | null;
  createdMs: number;
  tags: Record<string, string>;
  deadLetterQueue: string | null;
  sources: number;
  encryption: "none" | "sqs" | "kms";
  rates: Rates;
  spark: (number | null)[];
}

export interface Consumer {
  address: string;
  userAgent: string | null;
  principal: string | null;
  waiting: number;
  receivesPerSecond: number;
  lastSeenMs: number;
}

export interface QueueDetail extends QueueRow {
  attributes: Record<string, string>;
  consumers: Consumer[];
  sourceNames: string[];
}

export interface QueuePage {
  total: number;
  matching: number;
  queues: QueueRow[];
}

export type QueueKind = "standard" | "fifo" | "dead-letter";
export type QueueSort = "name" | "visible" | "inFlight" | "delayed" | "oldest" | "sent" | "received" | "created";

export interface Latency {
  action: string;
  perSecond: number;
  p50Ms: number | null;
  p99Ms: number | null;
  errorsPerSecond: number;
}

export interface Failing {
  name: string;
  reason: "dead-letters" | "stuck" | "growing";
  deadLetters?: number | null;
  oldestAgeMs?: number | null;
  visible?: number | null;
}

export interface Overview {
  queues: number;
  visible: number;
  inFlight: number;
  delayed: number;
  oldestAgeMs: number | null;
  rates: Rates & { emptyReceives: number };
  latency: Latency[];
  failing: Failing[];
  busiest: QueueRow[];
  /** Null where the journal is in memory, and for users of other accounts than the server's own. */
  disk: {
    journalBytes: number;
    liveBytes: number | null;
    freeBytes: number;
    totalBytes: number;
    state: "ok" | "low" | "full" | "failed";
  } | null;
  /** Null for users of other accounts than the server's own, who have no business with it. */
  process: {
    residentBytes: number | null;
    cpuSecondsTotal: number;
    uptimeMs: number;
    connections: number;
  } | null;
}

export type MessageState = "visible" | "in-flight" | "delayed";

export interface MessageAttribute {
  DataType: string;
  StringValue?: string;
  BinaryValue?: string;
}

export interface MessageRow {
  /** Empty for a message that came by a receive, which has no place to look it up again. */
  sequence: string;
  id: string;
  state: MessageState;
  body: string;
  bodyBytes: number;
  truncated: boolean;
  md5OfBody: string;
  attributes: Record<string, string>;
  messageAttributes: Record<string, MessageAttribute>;
  notShown: string | null;
}

export interface MessagePage {
  total: number;
  offset: number;
  messages: MessageRow[];
}

export interface SearchPage {
  matches: MessageRow[];
  scanned: number;
  nextOffset: number | null;
  total: number;
}

export interface OperationResult {
  sequence: string;
  error: { code: string; message: string } | null;
}

export type Series =
  | "visible"
  | "inFlight"
  | "delayed"
  | "oldestAgeMs"
  | "sent"
  | "received"
  | "deleted"
  | "emptyReceives"
  | "sentBytes";

export type ServerSeries =
  | Series
  | "requests"
  | "errors"
  | "sendP50Ms"
  | "sendP99Ms"
  | "receiveP50Ms"
  | "receiveP99Ms"
  | "deleteP50Ms"
  | "deleteP99Ms"
  | "journalBytes"
  | "residentBytes";

export interface History {
  stepMs: number;
  fromMs: number;
  series: Partial<Record<ServerSeries, (number | null)[]>>;
}

export interface LiveRow {
  name: string;
  visible: number;
  inFlight: number;
  delayed: number;
  oldestAgeMs: number | null;
  rates: Rates;
}

export type TaskStatus = "RUNNING" | "COMPLETED" | "CANCELLING" | "CANCELLED" | "FAILED";

export interface MoveTask {
  TaskHandle?: string;
  Status: TaskStatus;
  SourceArn: string;
  DestinationArn?: string;
  MaxNumberOfMessagesPerSecond?: number;
  ApproximateNumberOfMessagesMoved?: number;
  ApproximateNumberOfMessagesToMove?: number;
  FailureReason?: string;
  StartedTimestamp?: number;
}

/** What the SQS actions that the console uses take and answer, as AWS JSON 1.0 has them. */
export interface SqsActions {
  CreateQueue: {
    in: { QueueName: string; Attributes?: Record<string, string>; tags?: Record<string, string> };
    out: { QueueUrl: string };
  };
  DeleteQueue: { in: { QueueUrl: string }; out: unknown };
  PurgeQueue: { in: { QueueUrl: string }; out: unknown };
  GetQueueAttributes: {
    in: { QueueUrl: string; AttributeNames: string[] };
    out: { Attributes?: Record<string, string> };
  };
  SetQueueAttributes: { in: { QueueUrl: string; Attributes: Record<string, string> }; out: unknown };
  TagQueue: { in: { QueueUrl: string; Tags: Record<string, string> }; out: unknown };
  UntagQueue: { in: { QueueUrl: string; TagKeys: string[] }; out: unknown };
  AddPermission: {
    in: { QueueUrl: string; Label: string; AWSAccountIds: string[]; Actions: string[] };
    out: unknown;
  };
  RemovePermission: { in: { QueueUrl: string; Label: string }; out: unknown };
  SendMessage: { in: { QueueUrl: string } & Outgoing; out: { MessageId: string; SequenceNumber?: string } };
  SendMessageBatch: {
    in: { QueueUrl: string; Entries: ({ Id: string } & Outgoing)[] };
    out: {
      Successful?: { Id: string; MessageId: string; SequenceNumber?: string }[];
      Failed?: BatchFailure[];
    };
  };
  ReceiveMessage: {
    in: {
      QueueUrl: string;
      MaxNumberOfMessages: number;
      WaitTimeSeconds: number;
      VisibilityTimeout?: number;
      MessageSystemAttributeNames: string[];
      MessageAttributeNames: string[];
    };
    out: { Messages?: ReceivedMessage[] };
  };
  DeleteMessageBatch: {
    in: { QueueUrl: string; Entries: { Id: string; ReceiptHandle: string }[] };
    out: BatchOutcome;
  };
  ChangeMessageVisibilityBatch: {
    in: { QueueUrl: string; Entries: { Id: string; ReceiptHandle: string; VisibilityTimeout: number }[] };
    out: BatchOutcome;
  };
  StartMessageMoveTask: {
    in: { SourceArn: string; DestinationArn?: string; MaxNumberOfMessagesPerSecond?: number };
    out: { TaskHandle: string };
  };
  ListMessageMoveTasks: { in: { SourceArn: string; MaxResults?: number }; out: { Results?: MoveTask[] } };
  CancelMessageMoveTask: {
    in: { TaskHandle: string };
    out: { ApproximateNumberOfMessagesMoved?: number };
  };
}

export interface Outgoing {
  MessageBody: string;
  DelaySeconds?: number;
  MessageAttributes?: Record<string, MessageAttribute>;
  MessageSystemAttributes?: Record<string, MessageAttribute>;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
}

export interface BatchFailure {
  Id: string;
  Code: string;
  Message?: string;
  SenderFault: boolean;
}

export interface BatchOutcome {
  Successful?: { Id: string }[];
  Failed?: BatchFailure[];
}

export interface ReceivedMessage {
  MessageId: string;
  ReceiptHandle: string;
  MD5OfBody: string;
  Body: string;
  Attributes?: Record<string, string>;
  MessageAttributes?: Record<string, MessageAttribute>;
}
