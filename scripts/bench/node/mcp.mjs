// node mcp.mjs PORT: an MCP server of the TypeScript SDK, without state, as its documentation shows it. It checks no token.
import http from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as z from 'zod';

function newServer() {
  const server = new McpServer({ name: 'bench', version: '1' });
  server.registerTool('add', { description: 'adds two numbers', inputSchema: { a: z.number(), b: z.number() } },
    async ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }));
  return server;
}

http.createServer(async (req, res) => {
  if (req.method !== 'POST') return res.end('ready');
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const server = newServer();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  res.on('close', () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(req, res, JSON.parse(Buffer.concat(chunks)));
}).listen(Number(process.argv[2]), '127.0.0.1');
