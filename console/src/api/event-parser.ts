export type Deliver = (event: string, data: string) => void;

/** Takes pieces of a stream of server-sent events, delivers the whole ones. */
export function eventParser(deliver: Deliver): (piece: string) => void {
  let rest = "";
  let event = "message";
  let data: string[] = [];
  return (piece) => {
    rest += piece;
    for (;;) {
      const end = rest.indexOf("\n");
      if (end < 0) return;
      const line = rest.slice(0, end).replace(/\r$/, "");
      rest = rest.slice(end + 1);
      if (line === "") {
        if (data.length > 0) deliver(event, data.join("\n"));
        event = "message";
        data = [];
      } else if (line.startsWith("event:")) event = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
  };
}
