import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import type { MessageAttribute, MessageRow } from "../api/types";
import { bytes, count, duration, preciseTime, relative } from "../format";
import { messages } from "../i18n";
import { fromBase64, hexLines } from "../logic/hex";
import { tryJson, writeJson } from "../logic/json";
import { prettyXml } from "../logic/xml";
import { Badge, Button, Copy, Loading, Notice } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { ErrorNotice } from "../ui/errors";
import { JsonTree } from "../ui/json-tree";
import { Tabs } from "../ui/tabs";

type View = "body" | "attributes" | "system" | "raw";
type BodyView = "tree" | "pretty" | "text" | "hex";

interface Props {
  /** Where the whole body can be had, where the row has only its beginning. */
  queue: string;
  row: MessageRow;
  onClose: () => void;
  /** Goes to the message before (-1) or after (1); absent where there is none. */
  onMove?: ((by: 1 | -1) => void) | undefined;
  actions?: ComponentChildren;
}

export function MessageDialog(props: Props): JSX.Element {
  const t = messages.value.message;
  const [view, setView] = useState<View>("body");
  const { message, error } = useWhole(props.queue, props.row);
  const attributes = Object.keys(props.row.messageAttributes).length;
  return (
    <Dialog
      drawer
      title={
        <span class="message-title">
          {t.title} <StateBadge state={props.row.state} />
        </span>
      }
      onClose={props.onClose}
      footer={
        <>
          <div class="row tight grow">
            {props.onMove && (
              <>
                <Button small icon="up" label={t.previous} onClick={() => props.onMove?.(-1)} />
                <Button small icon="down" label={t.next} onClick={() => props.onMove?.(1)} />
              </>
            )}
          </div>
          {props.actions}
        </>
      }
    >
      <Facts row={props.row} />
      <Tabs<View>
        label={t.title}
        current={view}
        onChange={setView}
        panel="message-panel"
        tabs={[
          { id: "body", label: t.body },
          {
            id: "attributes",
            label: (
              <>
                {t.attributes} {attributes > 0 && <span class="count">{count(attributes)}</span>}
              </>
            ),
          },
          { id: "system", label: t.system },
          { id: "raw", label: t.raw },
        ]}
      />
      <div id="message-panel" role="tabpanel" class="panel">
        {error !== null && <ErrorNotice error={error} />}
        {props.row.notShown !== null && <Notice tone="warning">{t.notShown(props.row.notShown)}</Notice>}
        {view === "body" && (message ? <Body message={message} /> : error === null && <Loading />)}
        {view === "attributes" && <Attributes attributes={props.row.messageAttributes} />}
        {view === "system" && <System row={props.row} />}
        {view === "raw" && <Raw message={message ?? props.row} />}
      </div>
    </Dialog>
  );
}

/** The message with all of its body, fetched where the row was cut short. */
function useWhole(queue: string, row: MessageRow): { message: MessageRow | null; error: unknown } {
  const [message, setMessage] = useState<MessageRow | null>(row.truncated ? null : row);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    setError(null);
    setMessage(row.truncated ? null : row);
    if (!row.truncated) return undefined;
    const stop = new AbortController();
    api.message(queue, row.sequence, stop.signal).then(setMessage, (failure: unknown) => {
      if (!stop.signal.aborted) setError(failure);
    });
    return () => stop.abort();
  }, [queue, row.sequence, row.id]);
  return { message, error };
}

export function StateBadge({ state }: { state: MessageRow["state"] }): JSX.Element {
  const t = messages.value.states;
  const words = { visible: t.visible, "in-flight": t.inFlight, delayed: t.delayed };
  return <Badge tone={state}>{words[state]}</Badge>;
}

function Facts({ row }: { row: MessageRow }): JSX.Element {
  const t = messages.value.message;
  const sent = Number(row.attributes["SentTimestamp"]);
  return (
    <dl class="facts compact">
      <div class="full">
        <dt>ID</dt>
        <dd class="row tight">
          <code class="break">{row.id}</code>
          <Copy text={row.id} label={messages.value.common.copyWhat("ID")} />
        </dd>
      </div>
      {Number.isFinite(sent) && (
        <div>
          <dt>{t.sent}</dt>
          <dd title={new Date(sent).toISOString()}>
            {preciseTime(sent)} <span class="muted">({relative(Math.min(sent, Date.now()))})</span>
          </dd>
        </div>
      )}
      <div>
        <dt>{t.receives}</dt>
        <dd>{count(Number(row.attributes["ApproximateReceiveCount"] ?? 0))}</dd>
      </div>
      {row.attributes["MessageGroupId"] !== undefined && (
        <div>
          <dt>{t.group}</dt>
          <dd class="mono break">{row.attributes["MessageGroupId"]}</dd>
        </div>
      )}
      <div>
        <dt>{t.size}</dt>
        <dd>{bytes(row.bodyBytes)}</dd>
      </div>
    </dl>
  );
}

function Body({ message }: { message: MessageRow }): JSX.Element {
  const t = messages.value.message;
  const { body } = message;
  const json = useMemo(() => (/^\s*[[{]/.test(body) ? tryJson(body) : null), [body]);
  const xml = useMemo(() => (json ? null : prettyXml(body)), [body, json]);
  const views: BodyView[] = json ? ["tree", "pretty", "text", "hex"] : xml ? ["pretty", "text", "hex"] : ["text", "hex"];
  const [chosen, setChosen] = useState<BodyView>("tree");
  const view = views.includes(chosen) ? chosen : (views[0] as BodyView);
  const words: Record<BodyView, string> = { tree: t.tree, pretty: xml ? "XML" : "JSON", text: t.text, hex: "Hex" };
  return (
    <>
      <div class="row spread">
        <Tabs<BodyView>
          small
          label={t.body}
          current={view}
          onChange={setChosen}
          panel="body-panel"
          tabs={views.map((id) => ({ id, label: words[id] }))}
        />
        <Copy text={body} label={messages.value.common.copyWhat(t.body)} />
      </div>
      <div id="body-panel" role="tabpanel" aria-label={words[view]}>
        {view === "tree" && json && <JsonTree value={json} />}
        {view === "pretty" && <LongText text={json ? writeJson(json) : (xml ?? body)} />}
        {view === "text" && <LongText text={body} />}
        {view === "hex" && <Hex text={body} />}
      </div>
    </>
  );
}

const TEXT_AT_ONCE = 100_000;

/** A text of up to a mebibyte, of which a part is drawn until more is asked for. */
function LongText({ text }: { text: string }): JSX.Element {
  const [shown, setShown] = useState(TEXT_AT_ONCE);
  return (
    <>
      <pre class="code wrap" tabIndex={0}>
        {text.slice(0, shown)}
      </pre>
      {text.length > shown && (
        <button type="button" class="link" onClick={() => setShown(text.length)}>
          {messages.value.message.showRest(bytes(text.length - shown))}
        </button>
      )}
    </>
  );
}

const HEX_LINES = 512;

function Hex({ text }: { text: string }): JSX.Element {
  const raw = useMemo(() => new TextEncoder().encode(text), [text]);
  const [lines, setLines] = useState(HEX_LINES);
  return (
    <>
      <pre class="code" tabIndex={0}>
        {hexLines(raw, 0, lines).join("\n")}
      </pre>
      {raw.length > lines * 16 && (
        <button type="button" class="link" onClick={() => setLines(lines * 4)}>
          {messages.value.message.showRest(bytes(raw.length - lines * 16))}
        </button>
      )}
    </>
  );
}

function Attributes({ attributes }: { attributes: Record<string, MessageAttribute> }): JSX.Element {
  const t = messages.value.message;
  const rows = Object.entries(attributes);
  if (rows.length === 0) return <p class="muted">{t.noAttributes}</p>;
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th>{messages.value.send.attributeName}</th>
            <th>{messages.value.send.attributeType}</th>
            <th>{messages.value.send.attributeValue}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, one]) => (
            <tr key={name}>
              <td class="mono break">{name}</td>
              <td class="mono">{one.DataType}</td>
              <td class="mono break pre">{one.BinaryValue === undefined ? one.StringValue : binary(one.BinaryValue)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function binary(base64: string): string {
  try {
    return hexLines(fromBase64(base64), 0, 64).join("\n");
  } catch {
    return base64;
  }
}

const TIMES = new Set(["SentTimestamp", "ApproximateFirstReceiveTimestamp"]);

function System({ row }: { row: MessageRow }): JSX.Element {
  const t = messages.value.message;
  const rows = Object.entries({ ...row.attributes, ...(row.md5OfBody ? { MD5OfBody: row.md5OfBody } : {}) });
  return (
    <div class="table-wrap">
      <table>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row" class="mono">
                {name}
              </th>
              <td class="mono break">
                {value}
                {TIMES.has(name) && <span class="muted"> {preciseTime(Number(value))}</span>}
              </td>
            </tr>
          ))}
          {row.attributes["SentTimestamp"] && (
            <tr>
              <th scope="row">{t.age}</th>
              <td>{duration(Date.now() - Number(row.attributes["SentTimestamp"]))}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** The message as an SDK would be given it. */
function Raw({ message }: { message: MessageRow }): JSX.Element {
  const text = useMemo(
    () =>
      JSON.stringify(
        {
          MessageId: message.id,
          MD5OfBody: message.md5OfBody,
          Body: message.body,
          Attributes: message.attributes,
          ...(Object.keys(message.messageAttributes).length > 0 ? { MessageAttributes: message.messageAttributes } : {}),
        },
        null,
        2,
      ),
    [message],
  );
  return (
    <>
      <div class="row end">
        <Copy text={text} label={messages.value.common.copyWhat(messages.value.message.raw)} />
      </div>
      <LongText text={text} />
    </>
  );
}
