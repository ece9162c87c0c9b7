import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { api, place, session } from "./api/client";
import { latestOverview } from "./api/events";
import { messages } from "./i18n";
import { followKeys } from "./keys";
import { adoptPlace } from "./place";
import { parameters, path } from "./router";
import { Loading, Notice } from "./ui/basics";
import { ErrorNotice } from "./ui/errors";
import { Toasts } from "./ui/toasts";
import { CreateView } from "./views/create";
import { HelpDialog, helpOpen } from "./views/help";
import { OverviewView } from "./views/overview";
import { QueueView } from "./views/queue/queue";
import { QueuesView } from "./views/queues";
import { ServerView } from "./views/server";
import { SignIn } from "./views/sign-in";
import { TopBar } from "./views/top-bar";

/** The whole page: who is here, where they are, and what they see there. */
export function App(): JSX.Element {
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(() => {
    setError(null);
    api.session().then((found) => {
      session.value = found;
      adoptPlace();
    }, setError);
  }, []);
  useEffect(load, [load]);
  useEffect(followKeys, []);
  const now = session.value;
  if (error !== null) {
    return (
      <main class="page narrow">
        <ErrorNotice error={error} retry={load} />
      </main>
    );
  }
  if (!now) return <Loading />;
  return (
    <>
      <a class="skip" href="#main">
        {messages.value.nav.skip}
      </a>
      {now.authentication && !now.signedIn ? (
        <SignIn />
      ) : (
        <>
          <TopBar />
          <DiskWarning />
          <Screen />
        </>
      )}
      {helpOpen.value && <HelpDialog />}
      <Toasts />
    </>
  );
}

function Screen(): JSX.Element {
  const screen = useComputed(() => path.value).value;
  const name = parameters.value.get("name");
  // Another account or region is another world: nothing of the one before may stay in a screen's state.
  const world = `${place.value.account ?? ""}/${place.value.region ?? ""}`;
  useEffect(() => {
    const t = messages.value.nav;
    const titles: Record<string, string> = { "/": t.overview, "/queues": t.queues, "/create": t.create, "/server": t.server };
    document.title = `${screen === "/queue" && name ? name : (titles[screen] ?? t.notFound)} · Bongsu`;
  });
  return (
    <main class="page" id="main" tabIndex={-1} key={world}>
      {view(screen, name)}
    </main>
  );
}

function view(screen: string, name: string | null): JSX.Element {
  if (screen === "/") return <OverviewView />;
  if (screen === "/queues") return <QueuesView />;
  if (screen === "/create") return <CreateView key={parameters.value.get("like") ?? ""} like={parameters.value.get("like")} />;
  if (screen === "/queue" && name) return <QueueView key={name} name={name} />;
  if (screen === "/server") return <ServerView />;
  return <Notice tone="warning">{messages.value.nav.notFound}</Notice>;
}

/** Wherever one is: a disk that fills up comes before everything else. */
function DiskWarning(): JSX.Element | null {
  const state = latestOverview.value?.disk?.state ?? "ok";
  if (state === "ok") return null;
  return (
    <div class="banner">
      <Notice tone={state === "low" ? "warning" : "error"}>{messages.value.overview.diskStates[state]}</Notice>
    </div>
  );
}
