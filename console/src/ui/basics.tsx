import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { NONE, count, relative } from "../format";
import { messages } from "../i18n";
import { Icon, type IconName } from "./icons";
import { toast } from "./toasts";

type Tone = "plain" | "primary" | "danger" | "quiet";

interface ButtonProps {
  key?: string;
  children?: ComponentChildren;
  tone?: Tone;
  icon?: IconName;
  /** Needed where there are no words. */
  label?: string;
  busy?: boolean;
  disabled?: boolean;
  small?: boolean;
  submit?: boolean;
  pressed?: boolean;
  autofocus?: boolean;
  onClick?: (event: MouseEvent) => void;
}

export function Button(props: ButtonProps): JSX.Element {
  const { children, tone = "plain", icon, label, busy = false, small = false } = props;
  const classes = ["button", tone, small ? "small" : "", children === undefined ? "icon-only" : ""].join(" ").trim();
  return (
    <button
      type={props.submit ? "submit" : "button"}
      class={classes}
      aria-label={label}
      title={label}
      aria-busy={busy}
      aria-pressed={props.pressed}
      disabled={props.disabled || busy}
      autofocus={props.autofocus}
      onClick={props.onClick}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

export function LinkButton(props: {
  href: string;
  children: ComponentChildren;
  tone?: Tone;
  icon?: IconName;
  small?: boolean;
}): JSX.Element {
  return (
    <a class={`button ${props.tone ?? "plain"} ${props.small ? "small" : ""}`} href={props.href}>
      {props.icon && <Icon name={props.icon} />}
      <span>{props.children}</span>
    </a>
  );
}

/** Copies a text, and says so to eyes and to screen readers. */
export function Copy({ text, label, words }: { text: string; label: string; words?: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    if (!(await writeClipboard(text))) {
      toast({ tone: "error", text: messages.value.common.copyFailed });
      return;
    }
    setCopied(true);
    toast({ tone: "quiet", text: messages.value.common.copied });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 1500);
  };
  return (
    <Button
      tone={words ? "plain" : "quiet"}
      small
      icon={copied ? "check" : "copy"}
      {...(words ? { children: words } : { label })}
      onClick={() => void copy()}
    />
  );
}

async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP from another machine there is no clipboard API; the old way still works.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "off-screen";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function Badge({ tone, children, title }: { tone?: string; children: ComponentChildren; title?: string }): JSX.Element {
  return (
    <span class={`badge ${tone ?? ""}`} title={title}>
      {children}
    </span>
  );
}

/** Something to be told in place: an error that stays until it is cured, a warning, a hint. */
export function Notice(props: {
  tone: "error" | "warning" | "info" | "success";
  children: ComponentChildren;
  action?: ComponentChildren;
}): JSX.Element {
  const icon: IconName = props.tone === "info" ? "info" : props.tone === "success" ? "check" : "warning";
  return (
    <div class={`notice ${props.tone}`} role={props.tone === "error" ? "alert" : "status"}>
      <Icon name={icon} />
      <div class="grow">{props.children}</div>
      {props.action}
    </div>
  );
}

export function Empty(props: { title: string; children?: ComponentChildren; action?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children && <div class="empty-text">{props.children}</div>}
      {props.action && <div class="row center">{props.action}</div>}
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      {messages.value.common.loading}
    </div>
  );
}

export function Progress(props: { value: number; of: number; label: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="progress-line">
      <progress value={props.value} max={Math.max(1, props.of)} aria-label={props.label} />
      <span class="number">{props.children}</span>
    </div>
  );
}

/** The three counts of a queue, each with the word for it. */
export function Counts(props: { visible: number; inFlight: number; delayed: number }): JSX.Element {
  const t = messages.value.states;
  return (
    <dl class="counts">
      <div class="visible">
        <dt>{t.visible}</dt>
        <dd>{count(props.visible)}</dd>
      </div>
      <div class="in-flight">
        <dt>{t.inFlight}</dt>
        <dd>{count(props.inFlight)}</dd>
      </div>
      <div class="delayed">
        <dt>{t.delayed}</dt>
        <dd>{count(props.delayed)}</dd>
      </div>
    </dl>
  );
}

/** A relative time that keeps itself true. */
export function Ago({ ms }: { ms: number | null | undefined }): JSX.Element {
  useTick(ms === null || ms === undefined ? 0 : 10_000);
  if (ms === null || ms === undefined) return <span>{NONE}</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toISOString()}>
      {relative(Math.min(ms, Date.now()))}
    </time>
  );
}

/** Draws the component anew every so often; 0 never. */
export function useTick(intervalMs: number): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (intervalMs === 0) return undefined;
    const timer = setInterval(() => setTick((before) => before + 1), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return tick;
}

export function Section(props: {
  title: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  id?: string;
}): JSX.Element {
  return (
    <section class="section" id={props.id}>
      <header class="section-head">
        <h2>{props.title}</h2>
        {props.actions && <div class="row">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}
