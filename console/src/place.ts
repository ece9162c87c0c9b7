import { place, session } from "./api/client";
import { latestOverview } from "./api/events";
import { parameters } from "./router";

const KEPT = "bongsu.place";

/**
 * A link may say whose queues it is about, or this window did before; otherwise they are the server's or the user's own. Whoever
 * signed in sees their own account, whatever a link says.
 */
export function adoptPlace(): void {
  const [account, region] = (sessionStorage.getItem(KEPT) ?? "/").split("/");
  const wanted = { account: parameters.value.get("account") ?? account, region: parameters.value.get("region") ?? region };
  place.value = { account: session.value?.authentication ? null : wanted.account || null, region: wanted.region || null };
}

export function choosePlace(account: string, region: string): void {
  sessionStorage.setItem(KEPT, `${account}/${region}`);
  place.value = { account: session.value?.authentication ? null : account, region };
}

/** Before somebody else is here: nothing of whom was before may be shown to them. */
export function forgetPlace(): void {
  sessionStorage.removeItem(KEPT);
  place.value = { account: null, region: null };
  latestOverview.value = null;
}
