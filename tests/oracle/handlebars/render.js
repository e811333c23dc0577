// Reads {"context": ..., "templates": [...]} from stdin, writes the outputs (null for a refused template) as JSON.
const Handlebars = require('handlebars');

Handlebars.registerHelper('join', (separator, ...values) => values.slice(0, -1).flat().join(separator));
Handlebars.registerHelper('uppercase', (text) => String(text).toUpperCase());

const { context, templates } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const outputs = templates.map((source) => {
  try {
    return Handlebars.compile(source, { noEscape: true })(context);
  } catch (refused) {
    return null;
  }
});
process.stdout.write(JSON.stringify(outputs));
