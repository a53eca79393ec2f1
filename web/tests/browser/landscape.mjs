// The model landscape: filter, side by side, ranking, and the decision helper; everything in the address.
import { check } from "./server.mjs";

async function landscape({ page, url }) {
  await page.goto(`${url}/landscape`);
  await page.getByRole("heading", { name: "Model landscape" }).waitFor();
  const table = page.getByRole("region", { name: "Model landscape" });
  await table.getByRole("link", { name: "GPT-4o mini" }).waitFor();
  check(await table.getByRole("link", { name: "Gemini 1.5 Pro" }).count() === 0, "a retired model is listed before anyone asked");
  await page.getByRole("checkbox", { name: "Also retired ones" }).check();
  await table.getByRole("link", { name: "Gemini 1.5 Pro" }).waitFor();
  await page.getByRole("combobox", { name: "Any kind" }).selectOption("code");
  await page.getByRole("searchbox").or(page.getByRole("textbox", { name: "Filter by name or maker" })).fill("qwen");
  await page.waitForFunction(() => location.search.includes("q=qwen") && location.search.includes("kind=code"));
  await page.reload();
  await page.getByText("2 of", { exact: false }).first().waitFor();
  check(await page.locator("tbody tr").count() === 2, "the filters did not survive a reload");
  await page.getByRole("checkbox", { name: "Choose Qwen2.5-Coder 7B for side by side" }).check();
  await page.getByRole("checkbox", { name: "Choose Qwen2.5-Coder 32B for side by side" }).check();
  await page.getByRole("link", { name: "See 2 side by side" }).click();
  const side = page.getByRole("region", { name: "Side by side" });
  await side.getByText("HumanEval 92.7 % as told by Alibaba", { exact: false }).waitFor();
  check((await side.innerText()).includes("unknown"), "what nobody has said is not shown as unknown");
  await page.getByRole("button", { name: "Best for …" }).click();
  await page.getByLabel("For", { exact: true }).selectOption("coding");
  await page.waitForFunction(() => location.search.includes("for=coding"));
  const first = page.locator("ol.hits > li").first();
  await first.getByText("Why").click();
  await first.getByText("fit for coding").waitFor();
}

async function decide({ page, url }) {
  await page.goto(`${url}/landscape?view=decide`);
  await page.getByText("Answer a question or two").waitFor();
  check((await page.locator(".decide-matrix tbody").innerText()).replace(/\s+/g, " ").trim() === "Private docs yes no Style consistency no yes Domain jargon partly yes Dynamic data yes no", "the matrix is another");
  await page.getByLabel("Must answers come from your own documents?").selectOption("yes");
  await page.getByRole("heading", { name: "Retrieval (RAG)", exact: true }).waitFor();
  await page.getByLabel("Must answers be alike in style, or decisions alike in like cases?").selectOption("yes");
  await page.getByLabel("Is it one narrow task?").selectOption("yes");
  await page.getByLabel("How many requests a day?").fill("20000");
  await page.getByText("What would", { exact: false }).or(page.getByText("One answer that would change this")).first().waitFor();
  await page.getByLabel("How many labelled examples are there?").fill("2000");
  await page.getByRole("heading", { name: "Retrieval and fine-tuning together" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Retrieval and fine-tuning together" }).waitFor();
  check(await page.getByText("holds", { exact: true }).count() === 4, "not all four conditions hold");
}

export const tests = [
  ["landscape: filter, side by side, ranking with reasons", landscape],
  ["landscape: the decision helper keeps its answers in the address", decide],
];
