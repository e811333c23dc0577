// A warehouse behind SOAP: 25 items in pages, new ones are taken, a negative stock is a fault. Prints `ready URL` when it listens.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import soap from 'soap';

const wsdl = readFileSync(new URL('./warehouse.wsdl', import.meta.url), 'utf8');
const items = Array.from({ length: 25 }, (_, n) => ({
  sku: `S-${String(n + 1).padStart(3, '0')}`,
  name: n % 5 ? `Bolt ${n + 1} <M${n}> & "nut"` : undefined,
  stock: n * 10,
  tag: n % 3 === 0 ? ['steel', 'größe'] : n % 3 === 1 ? ['brass'] : [],
}));

const port = {
  ListItems: ({ page, size }) => ({
    total: items.length,
    item: items.slice((page - 1) * size, page * size),
  }),
  PutItem: ({ sku, name, stock, tag }) => {
    if (Number(stock) < 0) {
      throw { Fault: { faultcode: 'soap:Client', faultstring: `stock of ${sku} is negative`, statusCode: 500 } };
    }
    items.push({ sku, name, stock: Number(stock), tag: [tag ?? []].flat() });
    return { id: `I-${sku}`, stock };
  },
};

const server = createServer((_, response) => response.writeHead(404).end());
server.listen(0, '127.0.0.1', () => {
  soap.listen(server, '/warehouse', { WarehouseService: { WarehousePort: port } }, wsdl);
  console.log(`ready http://127.0.0.1:${server.address().port}`);
});
