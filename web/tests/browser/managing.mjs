// Keeping order: files dropped in, bases and conversations renamed and deleted, providers, example questions.
import { check, eventually } from "./server.mjs";
import { ask } from "./answers.mjs";

const read = (page, path) => page.evaluate((from) => fetch(from).then((reply) => reply.json()), path);
const send = (page, path, body) => page.evaluate(([to, what]) => fetch(to, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what) })
  .then((reply) => reply.json()), [path, body]);
const baseNamed = async (page, name) => (await read(page, "/v1/vector_stores")).data.find((base) => base.name === name);

async function dropFiles(page, files) {
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const [name, text] of list) data.items.add(new File([text], name, { type: "text/markdown" }));
    return data;
  }, files);
  await page.locator(".drop").dispatchEvent("dragover", { dataTransfer: transfer });
  check(await page.locator(".drop.over").count() === 1, "the place to drop does not light up");
  await page.locator(".drop").dispatchEvent("drop", { dataTransfer: transfer });
}
async function confirm(page, title, action, typed) {
  const dialog = page.getByRole("dialog", { name: title });
  const button = dialog.getByRole("button", { name: action });
  if (typed) {
    check(await button.isDisabled(), "a base can be deleted without its name being typed");
    await dialog.getByRole("textbox").fill(typed);
  }
  await button.click();
  await dialog.waitFor({ state: "detached" });
}

async function baseAndDocuments({ page, url }) {
  await page.goto(`${url}/knowledge`);
  await page.getByLabel("New base").fill("Kitchen");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "Kitchen" }).waitFor();
  await dropFiles(page, [["tea.md", "# Tea\n\nGreen tea is brewed at 80 degrees.\n"], ["soup.md", "# Soup\n\nThe soup simmers for two hours.\n"]]);
  for (const name of ["tea.md", "soup.md"]) await page.locator("tr[data-status=completed]", { hasText: name }).waitFor({ timeout: 60_000 });

  await page.getByRole("button", { name: "Delete: soup.md" }).click();
  await confirm(page, "Delete this document?", "Delete");
  await page.locator("tr", { hasText: "soup.md" }).waitFor({ state: "detached" });
  const { id } = await baseNamed(page, "Kitchen");
  const found = await send(page, "/strata/v1/search", { query: "How long does the soup simmer?", vector_store_ids: [id] });
  check(found.hits.every((hit) => hit.filename === "tea.md"), "a deleted document is still found");

  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("dialog", { name: "Rename the base" }).getByLabel("Name").fill("Tea kitchen");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Tea kitchen" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Tea kitchen" }).waitFor();

  await page.getByRole("button", { name: "Delete base" }).click();
  await confirm(page, "Delete this base?", "Delete base", "Tea kitchen");
  await page.waitForURL("**/knowledge");
  check(!(await baseNamed(page, "Tea kitchen")), "the deleted base is still there");
}

async function conversations({ page, url }) {
  await page.goto(`${url}/ask`);
  await ask(page, "When must receipts be handed in?");
  await page.waitForURL("**/ask/*");
  const address = page.url();
  const current = page.locator(".conversations li.current");
  await current.hover();
  await current.getByRole("button", { name: /^Rename: / }).click();
  await page.getByRole("dialog", { name: "Rename the conversation" }).getByLabel("Name").fill("About receipts");
  await page.keyboard.press("Enter");
  await page.reload();
  await current.getByText("About receipts").waitFor();
  await current.hover();
  await current.getByRole("button", { name: "Delete: About receipts" }).click();
  await confirm(page, "Delete this conversation?", "Delete");
  await page.waitForURL("**/ask");
  const id = address.split("/").pop();
  check((await page.evaluate((path) => fetch(path).then((reply) => reply.status), `/strata/v1/conversations/${id}`)) === 404, "the deleted conversation is still there");
}

async function providers({ page, url }) {
  await page.goto(`${url}/system`);
  await page.getByText("No providers").waitFor();
  await page.getByRole("button", { name: "Add a model or provider" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a model or provider" });
  await dialog.getByLabel("Name here").fill("work");
  await dialog.getByLabel("Base URL").fill("ftp://models.example");
  await dialog.getByLabel("Model there").fill("some-model");
  await dialog.getByLabel("Key").fill("sk-very-secret");
  await dialog.getByLabel("Answer with it from now on").uncheck();
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await dialog.getByRole("alert").waitFor();
  check((await dialog.getByRole("alert").innerText()).includes("expected a base URL"), `the error does not say what was expected: ${await dialog.getByRole("alert").innerText()}`);
  check(await dialog.getByLabel("Model there").inputValue() === "some-model", "an error empties the form");
  await dialog.getByLabel("Base URL").fill("http://127.0.0.1:9/v1");
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await dialog.waitFor({ state: "detached" });
  const row = page.locator("tr", { hasText: "127.0.0.1:9" });
  await row.waitFor();
  check(!(await page.content()).includes("sk-very-secret") && !JSON.stringify(await read(page, "/strata/v1/providers")).includes("sk-very-secret"), "the key is shown");
  await row.getByRole("button", { name: /Remove/ }).click();
  await confirm(page, "Remove this provider?", "Remove");
  await page.getByText("No providers").waitFor();
}

async function examples({ page, url }) {
  await page.goto(`${url}/knowledge`);
  await page.getByLabel("New base").fill("Debian manuals");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "Debian manuals" }).waitFor();
  await dropFiles(page, [["policy.md", "# Virtual packages\n\nA virtual package is one which appears in the Provides control field of another package.\n"]]);
  await page.locator("tr[data-status=completed]", { hasText: "policy.md" }).waitFor({ timeout: 60_000 });
  await page.goto(`${url}/ask`);
  await page.getByText("Try one of these:").waitFor();
  check(await page.locator(".examples button").count() === 3, "there are not three example questions");
  await page.getByRole("button", { name: "What is a virtual package?" }).click();
  const answer = page.getByRole("article", { name: "Strata" }).last();
  await answer.getByRole("button", { name: "Copy the answer" }).waitFor({ timeout: 60_000 });
  check((await answer.innerText()).includes("appears in the Provides control field"), `the example is not answered: ${await answer.innerText()}`);
  const { id } = await baseNamed(page, "Debian manuals");
  await page.evaluate((path) => fetch(path, { method: "DELETE" }), `/v1/vector_stores/${id}`);
  await eventually(async () => !(await baseNamed(page, "Debian manuals")), "the base of the examples stays");
}

export const tests = [
  ["files dropped in; a document deleted; a base renamed and deleted", baseAndDocuments],
  ["a conversation renamed and deleted", conversations],
  ["a provider: its errors, its key kept to itself, removed", providers],
  ["example questions where the demo documents are", examples],
];
