// Teams through their pages, driven by a scripted model: a supervised team whose members are seen at work and write to each other, and an
// ensemble whose judge gives its reason.
import { connect, decides, inTurn, later, scriptedModel } from "./scripted.mjs";
import { check, eventually } from "./server.mjs";

const model = await scriptedModel();
export const closeTeams = () => model.close();
const editor = (page) => page.getByLabel("Team (YAML or JSON)");
const messages = (page) => page.getByRole("list", { name: "Messages" });
const member = (page, name) => page.locator(`[data-member="${name}"]`);

const duo = `team: duo
description: Calculates, and has it checked.
goal: Answer with a number that was checked.
supervisor: {model: scripted}
members:
  - {name: maths, role: coder, about: calculates, agent: {goal: calculate, model: scripted, tools: [calculator, pay], policy: {escalate_when: [{tool: pay, reason: money leaves the house}]}}}
  - {name: critic, role: reviewer, agent: {goal: review, model: scripted}}
rounds: 4
`;

async function put(page, url, text, name) {
  await page.goto(`${url}/teams?new=empty`);
  await editor(page).fill(text);
  await page.getByRole("status").filter({ hasText: /^right$/ }).waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL(`**/teams/${name}`);
}
async function ask(page, task) {
  await page.getByLabel("What is wanted?").fill(task);
  await page.keyboard.press("Enter");
  await page.waitForURL(/run=/);
}

async function supervised({ page, url }) {
  await page.goto(`${url}/teams`);
  await page.getByRole("heading", { name: "No team yet" }).waitFor();
  await page.getByRole("link", { name: /^research/ }).waitFor();
  await page.goto(`${url}/teams?new=empty`);
  await editor(page).fill(duo.replace("goal: review", "gaol: review"));
  await page.getByRole("status").filter({ hasText: /members\[1\]\.agent\.gaol.*did you mean 'goal'/ }).waitFor();
  await put(page, url, duo, "duo");
  await connect(page, model);
  const works = later(), judged = later();
  model.say = inTurn({ reason: "numbers first", to: "maths", task: "6 * 7" }, () => works.promise, decides("pay", "a fee", { body: { cents: 300 } }), decides("final_answer", "done", { answer: "42" }),
    { reason: "have it checked", to: "critic", task: "is 42 right?" }, decides("final_answer", "checked", { answer: "it is right" }), () => judged.promise);
  await ask(page, "6 times 7?");
  // The assignment with its reason, and who works on it, while it works.
  await messages(page).getByText("Why: numbers first").waitFor();
  await messages(page).getByText("6 * 7", { exact: true }).waitFor();
  await messages(page).getByText("maths works").waitFor();
  await member(page, "maths").getByText("works", { exact: true }).waitFor();
  await member(page, "critic").getByText("free", { exact: true }).waitFor();
  works.come(decides("calculator", "by the tool", { expression: "6 * 7" }));
  await page.locator('[data-step="work/member_maths/call"]').getByText('{"value":42}').waitFor();
  // What a member may not do alone is decided in the room.
  await member(page, "maths").getByText("asks you").waitFor();
  const asked = page.getByRole("region", { name: "Your decision: pay" });
  await asked.getByRole("button", { name: "Accept", exact: true }).click();
  await messages(page).getByText("it is right").waitFor();
  await member(page, "supervisor").getByText("works", { exact: true }).waitFor();
  judged.come({ reason: "enough", to: "done", answer: "42, checked" });
  const answer = page.getByRole("region", { name: "Answer" });
  await answer.getByText("42, checked").waitFor();
  await answer.getByText("enough").waitFor();
  const said = await messages(page).locator(".room-message .step-head").allInnerTexts();
  check(said.length === 4 && said[0].startsWith("supervisor") && said[1].startsWith("maths") && said[3].startsWith("critic"), `other messages: ${said.join(" | ")}`);
  await member(page, "maths").getByText(/^worked once: 5 steps, 75 tokens/).waitFor();
  await member(page, "supervisor").getByText(/^worked 3 times: 3 steps, 75 tokens/).waitFor();
  // A thread is one member's, and has an address.
  await member(page, "critic").getByRole("button", { name: "critic" }).click();
  await eventually(async () => await messages(page).locator(".room-message").count() === 2, "the thread of critic shows other messages");
  check(page.url().includes("thread=critic"), "the thread is not in the address");
  await page.reload();
  await page.getByText("Thread of critic").waitFor();
  await page.getByRole("button", { name: "Everybody" }).click();
  await eventually(async () => await messages(page).locator(".room-message").count() === 4, "not everybody's messages are shown again");
  await member(page, "maths").getByText("Who is in it").click();
  await member(page, "maths").getByRole("link", { name: "calculator" }).waitFor();
  await page.getByRole("button", { name: "Earlier goals" }).click();
  await page.getByRole("link", { name: "6 times 7?" }).waitFor();
}

const opinions = `team: opinions
goal: The better of two answers.
pattern: ensemble
judge: {model: scripted}
members:
  - {name: brief, agent: {goal: answer in a word, model: scripted}}
  - {name: careful, agent: {goal: answer with reasons, model: scripted}}
`;
async function ensemble({ page, url }) {
  await put(page, url, opinions, "opinions");
  await connect(page, model);
  model.say = (body) => {
    const system = body.messages[0].content;
    if (system.startsWith("You judge")) return { reason: "it says how it knows", winner: "careful" };
    return decides("final_answer", "so", { answer: system.includes("brief") ? "Yes." : "Yes, for the list says so." });
  };
  await ask(page, "Is it open?");
  await page.getByRole("region", { name: "Answer" }).getByText("Yes, for the list says so.").waitFor();
  const chosen = messages(page).locator(".room-message").filter({ hasText: "chosen by the judge" });
  await chosen.getByText("Yes, for the list says so.").waitFor();
  await messages(page).locator(".room-message").filter({ hasText: "candidate" }).getByText("Yes.", { exact: true }).waitFor();
  await messages(page).locator(".room-message").filter({ hasText: /^judge/ }).getByText("it says how it knows").waitFor();
  await member(page, "judge").getByText(/^worked once/).waitFor();
}

export const tests = [
  ["teams: a supervised team's thread as it happens, a decision in the room, costs per member", supervised],
  ["teams: an ensemble's candidates, the judge's choice and reason", ensemble],
];
