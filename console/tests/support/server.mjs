// Starts the binary that users run, on free ports, with a data directory of its own.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const binary = process.env.BONGSU_BIN ?? join(root, "target/release/bongsu");
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;

export class Server {
  #child;
  #folder;
  output = "";

  /** @param {string[]} options further flags of `bongsu serve` */
  static async start(options = []) {
    const server = new Server();
    server.#folder = mkdtempSync(join(tmpdir(), "bongsu-console-test-"));
    const flags = ["serve", "--listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0", "--cooldowns", "off"];
    server.#child = spawn(binary, [...flags, "--data-dir", join(server.#folder, "data"), ...options], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, HOME: server.#folder, RUST_LOG: "info" },
    });
    for (const stream of [server.#child.stdout, server.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (server.output += text));
    }
    const begun = Date.now();
    while (!server.console) {
      if (server.#child.exitCode !== null || Date.now() - begun > START_LIMIT_MS) {
        throw new Error(`the server did not start:\n${server.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return server;
  }

  /** Where the console is, once it is there. */
  get console() {
    return /console: (https?:\/\/[^\s]+)\n/.exec(this.output)?.[1];
  }

  /** Where SDKs go. */
  get endpoint() {
    return /listening on (https?:\/\/[^\s,]+)/.exec(this.output)?.[1];
  }

  /** The root's access key, where authentication is on. */
  get rootKey() {
    const id = /AWS_ACCESS_KEY_ID=(\S+)/.exec(this.output)?.[1];
    const secret = /AWS_SECRET_ACCESS_KEY=(\S+)/.exec(this.output)?.[1];
    return { id, secret };
  }

  /** An SQS action, by the console's own way in: nothing to install, nothing to sign. */
  async sqs(action, input, headers = {}) {
    const response = await fetch(`${this.console}/api/sqs/${action}`, {
      method: "POST",
      headers: { "x-bongsu-console": "1", "content-type": "application/json", ...headers },
      body: JSON.stringify(input),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }

  /** A command of `bongsu` against this server, as the root; its answer in JSON. */
  command(...words) {
    const { id, secret } = this.rootKey;
    const env = { PATH: process.env.PATH, HOME: this.#folder, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_REGION: "us-east-1" };
    const [last] = words.slice(-1);
    const input = typeof last === "object" ? JSON.stringify(words.pop()) : "";
    const answer = execFileSync(binary, [...words, "--endpoint", this.endpoint, "--json"], { env, input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
    return answer.trim() === "" ? null : JSON.parse(answer);
  }

  async get(path) {
    const response = await fetch(this.console + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Sends many messages, ten at a time. */
  async fill(queue, bodies, more = () => ({})) {
    for (let at = 0; at < bodies.length; at += 10) {
      const Entries = bodies.slice(at, at + 10).map((MessageBody, index) => ({ Id: String(index), MessageBody, ...more(at + index) }));
      const answer = await this.sqs("SendMessageBatch", { QueueUrl: queue, Entries });
      if (answer.Failed?.length > 0) throw new Error(JSON.stringify(answer.Failed));
    }
  }

  /** Ends the server as its users do; whatever else it does at the end than exit with 0 is an error. */
  async stop() {
    const child = this.#child;
    const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    let outcome = child.exitCode;
    if (outcome === null) {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      outcome = await ended;
      clearTimeout(late);
    }
    rmSync(this.#folder, { recursive: true, force: true });
    if (outcome !== 0) throw new Error(`the server ended with ${outcome}:\n${this.output.slice(-4000)}`);
  }

  /** Kills it as a power cut would, to see what the page makes of it. */
  async kill() {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
