import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { place, session } from "../api/client";
import { messages } from "../i18n";
import { copyAs, type CopyTarget } from "../logic/copy-as";
import { Button, Copy } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { Tabs } from "../ui/tabs";

const TARGETS: readonly { id: CopyTarget; label: string }[] = [
  { id: "cli", label: "AWS CLI" },
  { id: "terraform", label: "Terraform" },
  { id: "boto3", label: "boto3" },
];

/** A queue in other tools' words. */
export function CopyAsDialog(props: {
  name: string;
  attributes: Record<string, string>;
  tags: Record<string, string>;
  onClose: () => void;
}): JSX.Element {
  const t = messages.value;
  const [target, setTarget] = useState<CopyTarget>("cli");
  const now = session.value;
  const text = copyAs(target, {
    name: props.name,
    attributes: props.attributes,
    tags: props.tags,
    region: place.value.region ?? now?.region ?? "us-east-1",
    endpoint: now?.endpoint ?? "",
  });
  return (
    <Dialog
      title={t.copyAs.title(props.name)}
      wide
      onClose={props.onClose}
      footer={
        <>
          <Copy text={text} label={t.common.copy} words={t.common.copy} />
          <Button onClick={props.onClose}>{t.common.close}</Button>
        </>
      }
    >
      <Tabs label={t.copyAs.button} tabs={TARGETS} current={target} onChange={setTarget} panel="copy-as" />
      <pre class="code" id="copy-as" role="tabpanel" tabIndex={0} data-copy-as={target}>
        {text}
      </pre>
    </Dialog>
  );
}
