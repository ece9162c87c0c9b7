import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api, session } from "../api/client";
import { messages } from "../i18n";
import mark from "../mark.svg";
import { adoptPlace, forgetPlace } from "../place";
import { Button } from "../ui/basics";
import { ErrorNotice } from "../ui/errors";
import { TextField } from "../ui/fields";
import { LanguageSwitch, ThemeSwitch } from "./top-bar";

export function SignIn(): JSX.Element {
  const t = messages.value.signIn;
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const found = await api.signIn(id.trim(), secret.trim());
      forgetPlace();
      session.value = found;
      adoptPlace();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in" id="main" tabIndex={-1}>
      <form
        class="card sign-in-card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <img src={mark} alt="" width={56} height={56} />
        <h1>{t.title}</h1>
        <p class="muted">{t.text}</p>
        <TextField label={t.accessKeyId} value={id} onValue={setId} mono autofocus autocomplete="username" name="access-key-id" />
        <TextField
          label={t.secret}
          value={secret}
          onValue={setSecret}
          mono
          type="password"
          autocomplete="current-password"
          name="secret-access-key"
        />
        {error !== null && <ErrorNotice error={error} />}
        <Button tone="primary" submit busy={busy} disabled={id.trim() === "" || secret.trim() === ""}>
          {t.submit}
        </Button>
        <p class="muted small-text">{t.hint}</p>
        <div class="row center">
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </form>
    </main>
  );
}
