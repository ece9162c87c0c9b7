import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { messages } from "../i18n";
import { Dialog } from "../ui/dialog";

export const helpOpen = signal(false);

export function HelpDialog(): JSX.Element {
  const t = messages.value.help;
  const rows: [string[], string][] = [
    [["/"], t.search],
    [["g", "o"], t.goOverview],
    [["g", "q"], t.goQueues],
    [["g", "c"], t.goCreate],
    [["g", "s"], t.goServer],
    [["↑", "↓"], t.rows],
    [["Enter"], t.open],
    [["Space"], t.tick],
    [["←", "→"], t.tabs],
    [["Esc"], t.escape],
    [["?"], t.help],
  ];
  return (
    <Dialog title={t.title} onClose={() => (helpOpen.value = false)}>
      <table class="plain keys">
        <tbody>
          {rows.map(([keys, what]) => (
            <tr key={what}>
              <th scope="row">
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}
