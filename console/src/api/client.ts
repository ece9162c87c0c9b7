import { signal } from "@preact/signals";
import type {
  History,
  MessagePage,
  MessageRow,
  MessageState,
  OperationResult,
  Overview,
  QueueDetail,
  QueuePage,
  SearchPage,
  ServerSeries,
  Session,
  SqsActions,
} from "./types";

/** A refusal by the server, or its silence (code `Unreachable`). */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Which account's and region's queues are looked at; null is the server's own choice. */
export interface Place {
  account: string | null;
  region: string | null;
}

export const session = signal<Session | null>(null);
export const place = signal<Place>({ account: null, region: null });

interface Options {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
}

export function headers(): Record<string, string> {
  const { account, region } = place.value;
  const own: Record<string, string> = { "x-bongsu-console": "1" };
  if (region) own["x-bongsu-region"] = region;
  if (account && session.value?.authentication === false) own["x-bongsu-account"] = account;
  return own;
}

async function request<T>(path: string, options: Options = {}): Promise<T> {
  const init: RequestInit = { method: options.method ?? "GET", headers: headers(), credentials: "same-origin" };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { ...headers(), "content-type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("Unreachable", String(error), 0);
  }
  if (!response.ok) throw await refusal(response);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** Reads an error's answer, and notices when the session has ended. */
export async function refusal(response: Response): Promise<ApiError> {
  let code = `HTTP ${response.status}`;
  let message = response.statusText;
  try {
    const parsed = (await response.json()) as { error?: { code?: string; message?: string } };
    code = parsed.error?.code ?? code;
    message = parsed.error?.message ?? message;
  } catch {
    // Not from the console's API, such as a proxy's page: the status has to do.
  }
  if (response.status === 401 && session.value) session.value = { ...session.value, signedIn: false, user: null };
  return new ApiError(code, message, response.status);
}

function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "" && value !== false) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

const queuePath = (name: string): string => `/api/queues/${encodeURIComponent(name)}`;

export interface QueueQuery {
  search?: string;
  tag?: string;
  kind?: string;
  sort?: string;
  descending?: boolean;
  offset?: number;
  limit?: number;
}

export interface HistoryQuery {
  queue?: string;
  series: readonly ServerSeries[];
  fromMs: number;
  toMs: number;
  points: number;
}

export const api = {
  session: (): Promise<Session> => request("/api/session"),
  signIn: (accessKeyId: string, secretAccessKey: string): Promise<Session> =>
    request("/api/session", { method: "POST", body: { accessKeyId, secretAccessKey } }),
  signOut: (): Promise<unknown> => request("/api/session", { method: "DELETE" }),
  overview: (cancel?: AbortSignal): Promise<Overview> => request("/api/overview", { signal: cancel }),
  queues: (filter: QueueQuery, cancel?: AbortSignal): Promise<QueuePage> =>
    request(`/api/queues${query({ ...filter })}`, { signal: cancel }),
  queue: (name: string, cancel?: AbortSignal): Promise<QueueDetail> => request(queuePath(name), { signal: cancel }),
  messages: (
    name: string,
    page: { state: MessageState | "all"; offset: number; limit: number },
    cancel?: AbortSignal,
  ): Promise<MessagePage> => request(`${queuePath(name)}/messages${query(page)}`, { signal: cancel }),
  message: (name: string, sequence: string, cancel?: AbortSignal): Promise<MessageRow> =>
    request(`${queuePath(name)}/messages/${encodeURIComponent(sequence)}`, { signal: cancel }),
  search: (
    name: string,
    page: { text: string; state: MessageState | "all"; offset: number },
    cancel?: AbortSignal,
  ): Promise<SearchPage> => request(`${queuePath(name)}/search${query(page)}`, { signal: cancel }),
  discard: (name: string, sequences: string[]): Promise<{ results: OperationResult[] }> =>
    request(`${queuePath(name)}/messages/delete`, { method: "POST", body: { sequences } }),
  move: (name: string, sequences: string[], destination: string | null): Promise<{ results: OperationResult[] }> =>
    request(`${queuePath(name)}/messages/move`, { method: "POST", body: { sequences, destination } }),
  history: ({ series, ...rest }: HistoryQuery, cancel?: AbortSignal): Promise<History> =>
    request(`/api/history${query({ ...rest, series: series.join(",") })}`, { signal: cancel }),
  sqs: <A extends keyof SqsActions>(
    action: A,
    input: SqsActions[A]["in"],
    cancel?: AbortSignal,
  ): Promise<SqsActions[A]["out"]> =>
    request(`/api/sqs/${action}`, { method: "POST", body: input, signal: cancel }),
};
