// Drives the gateway's tools with the protocol's client for Node, and says what came of it as one line of JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const [, , kind, address, program, port] = process.argv;
const transport = kind === 'http'
  ? new StreamableHTTPClientTransport(new URL('/mcp', address))
  : new StdioClientTransport({ command: program, args: ['mcp', '--port', new URL(address).port], stderr: 'ignore' });
const client = new Client({ name: 'drive', version: '1' });
await client.connect(transport);

const said = { server: client.getServerVersion().name };
const { tools } = await client.listTools(); // from here on the client holds results against the schemas of the tools
said.tools = tools.map(t => t.name).sort();

const call = (name, args, options) => client.callTool({ name, arguments: args ?? {} }, undefined, options);
for (const name of ['check_system_environment', 'list_running_servers', 'list_models', 'explain', 'recommend_model']) {
  const result = await call(name);
  if (result.isError || !result.structuredContent?.message) throw new Error(`${name}: ${JSON.stringify(result)}`);
}

const launched = await call('launch_llm_server', { model_name: 'one', port: Number(port), memory_requirement_gb: 0 });
said.launched = launched.structuredContent?.state ?? JSON.stringify(launched);
said.status = (await call('check_llm_status', { port: Number(port) })).structuredContent.server.model;
said.again = (await call('launch_llm_server', { model_name: 'one', port: Number(port) })).content[0].text;
said.restarted = (await call('restart_llm_server', { port: Number(port), memory_requirement_gb: 0 })).structuredContent.state;
said.together = (await Promise.all(Array.from({ length: 10 }, () => call('list_models')))).filter(r => !r.isError).length;

// One that is called off while it tells how far it is.
const enough = new AbortController();
let progress = 0;
try {
  await call('load_model', { model_name: 'slow' }, { signal: enough.signal, onprogress: () => { progress++; enough.abort('enough'); } });
  said.calledOff = false;
} catch {
  said.calledOff = true;
}

said.progress = progress > 0;
for (said.waiting = -1; said.waiting !== 0;) {
  said.waiting = (await call('explain')).structuredContent.waiting.filter(w => w.model === 'slow').length;
}

said.shutDown = (await call('shutdown_llm_server', { port: Number(port) })).structuredContent.port;
await client.close();
console.log(JSON.stringify(said));
