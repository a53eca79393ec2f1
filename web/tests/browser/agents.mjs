// An agent through its pages, driven by a scripted model: written, given a goal, seen at work, decided for, asked further, stopped; and
// what it remembers.
import { connect, decides, inTurn, later, put, scriptedModel } from "./scripted.mjs";
import { check, eventually } from "./server.mjs";

const model = await scriptedModel();
export const closeAgents = () => model.close();
const editor = (page) => page.getByLabel("Agent (YAML or JSON)");
const steps = (page) => page.getByRole("list", { name: "Steps" });
const step = (page, path) => page.locator(`[data-step="${path}"]`);
const ask = async (page, task) => { await page.getByLabel("What is wanted?").fill(task); await page.keyboard.press("Enter"); };

const cashier = `agent: cashier
description: Gives money back.
goal: Money that was charged wrongly is given back.
model: scripted
pattern: self_healing
critic: {model: scripted}
tools: [calculator, pay]
policy:
  must_not: [speak of other customers]
  escalate_when:
    - {tool: pay, reason: money leaves the house}
budget: {steps: 20, tokens: 40000, seconds: 600}
`;

async function written({ page, url }) {
  await page.goto(`${url}/agents`);
  await page.getByRole("heading", { name: "No agent yet" }).waitFor();
  await page.getByRole("link", { name: "Start from “helper”" }).click();
  await page.getByRole("status").filter({ hasText: /^right$/ }).waitFor();
  await page.getByRole("region", { name: "What it is" }).getByText("decides, acts, sees, until it has the answer").waitFor();
  await editor(page).fill(cashier.replace("escalate_when", "escalate_wen"));
  const wrong = page.getByRole("status").filter({ hasText: /policy\.escalate_wen.*did you mean 'escalate_when'/ });
  await wrong.waitFor();
  const line = cashier.slice(0, cashier.indexOf("escalate_when")).split("\n").length;
  const marked = Number(await page.locator(".code-gutter .bad").innerText());
  check(Math.abs(marked - line) <= 1 && (await wrong.innerText()).includes(`line ${marked}`), `the mistake in line ${line} is marked at ${marked}: ${await wrong.innerText()}`);
  check(await page.getByRole("button", { name: "Save", exact: true }).isDisabled(), "an agent with a mistake can be saved");
  await page.reload();
  check((await editor(page).inputValue()).includes("escalate_wen"), "what was typed is gone after a reload");
  await editor(page).fill(cashier);
  await page.getByRole("region", { name: "What it is" }).getByText("money leaves the house").waitFor();
  await page.getByLabel("Why this change?").fill("first try");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL("**/agents/cashier");
  await page.getByRole("heading", { name: "Give cashier a goal" }).waitFor();
  await page.getByText("20 steps, 40,000 tokens").waitFor();
  await page.goto(`${url}/agents`);
  await page.getByRole("link", { name: "cashier" }).waitFor();
}

async function watched({ page, url }) {
  await page.goto(`${url}/agents/cashier`);
  await connect(page, model);
  const thinking = later(), last = later();
  model.say = inTurn(decides("calculator", "the sum first", { expresion: "2 + 3" }), { cause: "a wrong name", change: "spell expression" }, () => thinking.promise, decides("pay", "it was charged twice", { body: { cents: 500 } }),
    () => last.promise, { problems: [], ok: true });
  await ask(page, "Order 7 was charged twice");
  await page.waitForURL(/run=/);
  await page.getByRole("article", { name: "You" }).getByText("Order 7 was charged twice").waitFor();
  // As it happens: what failed and why stands there while the model thinks of the next step.
  await step(page, "work/call").getByText("failed", { exact: true }).waitFor();
  await step(page, "work/call").getByText(/did you mean/).first().waitFor();
  await step(page, "work/diagnose").getByText("spell expression").waitFor();
  await step(page, "work/think#2").getByText("works").waitFor();
  check(await page.getByRole("region", { name: "Answer" }).count() === 0, "an answer is shown before there is one");
  check(await page.getByRole("button", { name: "Start", exact: true }).isDisabled(), "another goal can be given while it works");
  thinking.come(decides("calculator", "now right", { expression: "2 + 3" }));
  await step(page, "work/think#2").getByText("now right").waitFor();
  await step(page, "work/call#2").getByText('"expression":"2 + 3"').waitFor();
  await step(page, "work/call#2").getByText('{"value":5}').waitFor();
  // Decided in place, on other arguments than were asked for.
  const asked = page.getByRole("region", { name: "Your decision: pay" });
  await asked.getByText("money leaves the house").first().waitFor();
  await page.getByText("It waits for your decision").waitFor();
  await asked.getByText("All that it was told and did").click();
  await asked.locator("pre").filter({ hasText: "Order 7 was charged twice" }).waitFor();
  const args = asked.getByLabel("What would be sent (JSON)");
  await args.fill('{"body": {"cents": "many"}}');
  await asked.getByRole("status").filter({ hasText: /cents/ }).waitFor();
  check(await asked.getByRole("button", { name: "Accept with these changes" }).isDisabled(), "arguments that the tool refuses can be accepted");
  await args.fill('{"body": {"cents": 400}}');
  await asked.getByLabel("Reason").fill("the fee stays");
  await eventually(async () => !await asked.getByRole("button", { name: "Accept with these changes" }).isDisabled(), "right arguments cannot be accepted");
  await asked.getByRole("button", { name: "Accept with these changes" }).click();
  await asked.waitFor({ state: "detached" });
  await step(page, "work/approve").getByText('{"paid":400}').waitFor();
  await step(page, "work/approve").getByText(/^accepted with changes by .*the fee stays$/).waitFor();
  last.come(decides("final_answer", "all is done", { answer: "**4 dollars** come back." }));
  const answer = page.getByRole("region", { name: "Answer" });
  await answer.locator("strong", { hasText: "4 dollars" }).waitFor();
  await answer.getByText("done", { exact: true }).waitFor();
  await page.getByText(/^\d+ of 40,000$/).waitFor();
  await page.reload();   // all of it stands at its address
  await answer.getByText("come back.").waitFor();
  await page.getByText("9 steps", { exact: true }).click();
  await step(page, "work/verify").getByText("passed").waitFor();
  check(await steps(page).locator("li.agent-step").count() === 9, "other steps than those that were seen");
  await page.getByRole("link", { name: "Steps and timeline of the run" }).click();
  await page.getByText("succeeded", { exact: true }).first().waitFor();
  await page.getByRole("list", { name: "Picture of the run" }).getByRole("button", { name: "work/call#2" }).click();
  await page.getByRole("region", { name: "Step work/call#2" }).getByText('"2 + 3"').waitFor();
  await page.getByRole("link", { name: "agent:cashier" }).click();   // and back
  await page.waitForURL("**/agents/cashier?run=*");
}

async function followed({ page, url }) {
  await page.goto(`${url}/agents/cashier?view=runs`);
  await page.getByRole("link", { name: "Order 7 was charged twice" }).click();
  await page.getByRole("region", { name: "Answer" }).waitFor();
  model.say = inTurn(decides("final_answer", "I know", { answer: "Because a person kept the fee." }), { problems: ["nobody said so"], ok: false }, decides("final_answer", "still", { answer: "The fee was kept." }), { problems: [], ok: true });
  model.asked.length = 0;
  await page.getByLabel("What is wanted?").fill("Why not 5?");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Answer" }).filter({ hasText: "The fee was kept." }).waitFor();
  check(await page.getByRole("article", { name: "You" }).count() === 2, "the goal before is not shown above the one that follows it");
  check(JSON.stringify(model.asked[0].messages).includes("You answered: **4 dollars** come back."), "the agent was not told what it answered before");
  await page.getByText("4 steps", { exact: true }).click();
  await page.getByText("found problems", { exact: true }).waitFor();
  await page.getByText("nobody said so", { exact: true }).waitFor();
}

async function stopped({ page, url }) {
  await page.goto(`${url}/agents/cashier`);
  const never = later();
  model.say = () => never.promise;
  await ask(page, "Think for ever");
  await page.getByText("It decides what to do next").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator(".stopped").getByText("cancelled").waitFor();
  never.come("too late");
  check(!await page.getByLabel("What is wanted?").isDisabled(), "nothing can be asked after a stop");
  const again = later();
  model.say = () => again.promise;
  await ask(page, "And once more");
  await page.getByText("It decides what to do next").waitFor();
  await page.getByLabel("What is wanted?").press("Escape");   // by keyboard
  await eventually(async () => await page.locator(".stopped").getByText("cancelled").count() === 2, "Esc does not stop it");
  again.come("too late");
  await page.getByRole("button", { name: "New goal" }).click();
  await page.getByRole("heading", { name: "Give cashier a goal" }).waitFor();
}

async function remembered({ page, url }) {
  await page.goto(`${url}/agents/cashier?view=memory`);
  await page.getByRole("heading", { name: "It remembers nothing yet" }).waitFor();
  await page.getByLabel("Tell it a fact").fill("Ada pays in euros");
  await page.keyboard.press("Enter");
  await page.getByRole("cell", { name: "Ada pays in euros", exact: true }).waitFor();
  model.say = inTurn(decides("remember", "for later", { fact: "Bo has left" }), decides("final_answer", "noted", { answer: "Noted." }), { problems: [], ok: true });
  model.asked.length = 0;
  await page.goto(`${url}/agents/cashier`);
  await ask(page, "Bo has left");
  await page.getByRole("region", { name: "Answer" }).getByText("Noted.").waitFor();
  check(JSON.stringify(model.asked[0].messages).includes("Ada pays in euros"), "a fact is not shown to the agent");
  await page.getByRole("button", { name: "Memory" }).click();
  const row = page.getByRole("row").filter({ hasText: "Bo has left" });
  await row.getByRole("link", { name: "noted in a run" }).waitFor();
  await row.getByRole("button", { name: "Change: Bo has left" }).click();
  const dialog = page.getByRole("dialog", { name: "Change" });
  await dialog.getByLabel("Fact").fill("Bo is on leave");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("row").filter({ hasText: "Bo is on leave" }).getByText(/^told by/).waitFor();
  await page.getByRole("button", { name: "Forget: Ada pays in euros" }).click();
  await page.getByRole("dialog", { name: "Forget this fact?" }).getByRole("button", { name: "Forget" }).click();
  await page.getByRole("cell", { name: "Ada pays in euros", exact: true }).waitFor({ state: "detached" });
  // Another's version is not overwritten unseen.
  await page.goto(`${url}/agents/cashier?view=text`);
  await editor(page).fill(cashier.replace("Gives money back.", "Mine."));
  await put(page, "/strata/v1/agents/cashier", { text: cashier.replace("Gives money back.", "Theirs."), base_version: 1, why: "theirs" });
  await page.reload();
  await page.getByText("Meanwhile version 2 was saved.").waitFor();
  check(await page.getByRole("button", { name: "Save version 3" }).isDisabled(), "another's version can be overwritten unseen");
  await page.getByRole("button", { name: "Take theirs" }).click();
  check((await editor(page).inputValue()).includes("Theirs."), "theirs is not shown");
}

export const tests = [
  ["agents: one is written from a template, its mistake shown at its line and path", written],
  ["agents: each step is seen as it happens, an approval decided in place, the answer with what it cost", watched],
  ["agents: asked further, it knows what came before", followed],
  ["agents: stopped in the middle", stopped],
  ["agents: memory is told, noted, changed and forgotten; another's version is not overwritten", remembered],
];
