// node tests/browser/run.mjs [NAME…]: every test, or those whose names contain a word. One server, one browser, in this order.
import { startBrowser, startServer } from "./server.mjs";
import { tests as answers } from "./answers.mjs";
import { tests as managing } from "./managing.mjs";
import { tests as hostile } from "./hostile.mjs";
import { tests as landscape } from "./landscape.mjs";
import { tests as drafts } from "./drafts.mjs";
import { tests as specs } from "./specs.mjs";
import { tests as metrics } from "./metrics.mjs";
import { tests as settings } from "./settings.mjs";
import { tests as traces } from "./traces.mjs";
import { tests as flows } from "./flows.mjs";
import { tests as tools } from "./tools.mjs";
import { tests as database } from "./database.mjs";
import { closeAgents, tests as agents } from "./agents.mjs";
import { closeTeams, tests as teams } from "./teams.mjs";
import { closeMcp, tests as mcp } from "./mcp.mjs";
import { tests as story } from "./story.mjs";
import { tests as access } from "./access.mjs";

const wanted = process.argv.slice(2);
const tests = [...answers, ...managing, ...hostile, ...landscape, ...drafts, ...specs, ...metrics, ...settings, ...traces, ...flows, ...tools, ...database, ...agents, ...teams, ...mcp, ...story, ...access].filter(([name, , always]) => wanted.length === 0 || always || wanted.some((word) => name.includes(word)));
const server = await startServer();
const browser = await startBrowser();
let passed = 0, failed = 0;
for (const [name, test] of tests) {
  const page = await browser.context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
  const begin = Date.now();
  try {
    await test({ page, url: server.url, context: browser.context });
    if (problems.length > 0) throw new Error(problems.join("\n"));
    passed += 1;
    console.log(`ok    ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack}\n${problems.join("\n")}`);
    if (process.env.STRATA_KEEP) await page.screenshot({ path: `${process.env.STRATA_KEEP}/failed-${failed}.png` }).catch(() => undefined);
  }
  await browser.context.setOffline(false);
  await page.close();
}
if (failed > 0) console.log(server.output().split("\n").slice(-20).join("\n"));
await browser.stop();
for (const close of [closeAgents, closeTeams, closeMcp]) close();
await server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
