import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, place, session } from "../api/client";
import { liveState, reconnectNow } from "../api/events";
import { count } from "../format";
import { messages } from "../i18n";
import mark from "../mark.svg";
import { choosePlace } from "../place";
import { address, go, path } from "../router";
import { language, theme, type Theme } from "../settings";
import { Button, useTick } from "../ui/basics";
import { Select } from "../ui/fields";
import { Icon, type IconName } from "../ui/icons";
import { toastError } from "../ui/toasts";
import { helpOpen } from "./help";

export function TopBar(): JSX.Element {
  const t = messages.value.nav;
  const links: [string, string, IconName, string[]][] = [
    [address.overview(), t.overview, "home", ["/"]],
    [address.queues(), t.queues, "list", ["/queues", "/queue", "/create"]],
    [address.server(), t.server, "server", ["/server"]],
  ];
  return (
    <header class="top">
      <div class="top-inner">
        <a class="brand" href={address.overview()} aria-label="Bongsu">
          <img src={mark} alt="" width={26} height={26} />
          <span>Bongsu</span>
        </a>
        <nav aria-label={t.label}>
          {links.map(([href, label, icon, paths]) => (
            <a key={href} href={href} aria-current={paths.includes(path.value) ? "page" : undefined}>
              <Icon name={icon} />
              <span>{label}</span>
            </a>
          ))}
        </nav>
        <div class="top-end">
          <LivePill />
          <PlaceSwitch />
          <LanguageSwitch />
          <ThemeSwitch />
          <Button tone="quiet" icon="keyboard" label={t.help} onClick={() => (helpOpen.value = true)} />
          <User />
        </div>
      </div>
    </header>
  );
}

/** Whether what is on the page is still true. Read out when it changes. */
function LivePill(): JSX.Element {
  const t = messages.value.live;
  const state = liveState.value;
  useTick(state.kind === "waiting" ? 1_000 : 0);
  const words = { live: t.live, connecting: t.connecting, waiting: t.lost }[state.kind];
  return (
    <span class="live-state">
      <span class="off-screen" role="status">
        {words}
      </span>
      {state.kind === "waiting" ? (
        <button type="button" class="pill waiting" onClick={reconnectNow} aria-label={`${t.lost}. ${t.retry}`} title={t.retry}>
          <span class="dot" aria-hidden="true" />
          <span>{t.lost}</span>
          <span class="number">{t.inSeconds(count(Math.max(1, Math.ceil((state.untilMs - Date.now()) / 1000))))}</span>
        </button>
      ) : (
        <span class={`pill ${state.kind}`} aria-hidden="true" title={state.kind === "live" ? t.liveHint : t.connecting}>
          <span class="dot" />
          <span class="pill-text">{words}</span>
        </span>
      )}
    </span>
  );
}

/** Whose queues: shown where there is a choice. */
function PlaceSwitch(): JSX.Element | null {
  const now = session.value;
  const [, showAgain] = useState(0);
  if (!now) return null;
  const account = now.authentication ? now.account : (place.value.account ?? now.account);
  const current = `${account}/${place.value.region ?? now.region}`;
  const known = now.scopes.map((scope) => ({ value: `${scope.account}/${scope.region}`, queues: scope.queues }));
  if (!known.some((scope) => scope.value === current)) known.unshift({ value: current, queues: 0 });
  const label = messages.value.nav.place;
  if (known.length < 2) {
    return (
      <span class="place mono" title={label}>
        {current.replace("/", " · ")}
      </span>
    );
  }
  return (
    <Select
      small
      label={label}
      value={current}
      options={known.map(({ value, queues }) => ({ value, label: `${value.replace("/", " · ")} (${count(queues)})` }))}
      onValue={(value) => {
        const [wanted = "", region = ""] = value.split("/");
        if (go(path.value === "/queue" ? address.queues() : path.value)) choosePlace(wanted, region);
        // Who stays has to see the place they stay in, which the browser has already taken out of the field.
        else showAgain((before) => before + 1);
      }}
    />
  );
}

export function LanguageSwitch(): JSX.Element {
  const other = language.value === "en" ? "ko" : "en";
  const words = { en: "English", ko: "한국어" };
  return (
    <button
      type="button"
      class="button quiet language"
      lang={other}
      aria-label={words[other]}
      title={words[other]}
      onClick={() => (language.value = other)}
    >
      {other === "ko" ? "한" : "EN"}
    </button>
  );
}

export function ThemeSwitch(): JSX.Element {
  const t = messages.value.themes;
  const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
  const icons: Record<Theme, IconName> = { system: "half", light: "sun", dark: "moon" };
  return <Button tone="quiet" icon={icons[theme.value]} label={t[theme.value]} onClick={() => (theme.value = next[theme.value])} />;
}

function User(): JSX.Element | null {
  const now = session.value;
  if (!now?.authentication || !now.user) return null;
  const signOut = (): void => {
    api.signOut().then(() => {
      session.value = { ...now, signedIn: false, user: null };
    }, toastError);
  };
  return (
    <span class="user">
      <span class="user-name" title={now.user.arn}>
        {now.user.name}
      </span>
      <Button tone="quiet" icon="out" label={messages.value.nav.signOut} onClick={signOut} />
    </span>
  );
}
