// Server-sent events from a stream of bytes that may be cut anywhere, also inside a character.
export class SseParser {
  private readonly decoder = new TextDecoder("utf-8");
  private line = "";
  private data: string[] = [];
  private afterReturn = false;

  // The data of each event that these bytes complete.
  push(bytes: Uint8Array): string[] {
    const events: string[] = [];
    for (const character of this.decoder.decode(bytes, { stream: true })) {
      if (character === "\n" && this.afterReturn) { this.afterReturn = false; continue; }
      this.afterReturn = character === "\r";
      if (character !== "\n" && character !== "\r") { this.line += character; continue; }
      this.endLine(events);
    }
    return events;
  }

  private endLine(events: string[]) {
    const line = this.line;
    this.line = "";
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
    } else if (line.startsWith("data:")) {
      this.data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    }
  }
}
