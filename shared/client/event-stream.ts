type Body = { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> } };

/** Reads text/event-stream: every `data:` line is one message here; comments keep the connection alive. */
export async function readEventStream(body: Body, deliver: (text: string) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) deliver(line.slice(5).trim());
    }
  }
}
