// The console in a real browser: `tests/browser.rs` starts it and plays the device.
//
// It is told everything by environment variables, asks for a change of the device by the line `change VALUE` on standard
// output, is told on standard input that it was made, and ends with code 0, or with an error that says what was wrong.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const { CHROMIUM, CONSOLE, SETUP, ENDPOINT, SCREENSHOTS } = process.env;
const NAME = "ada";
const PASSWORD = "a lighthouse in the fog";
const ROW = "r-3303-0-5700";
const CELL = "#v-3303-0-5700 .value";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const problems = [];

const check = (good, text) => {
  if (!good) throw new Error(text);
};

const shoot = async (page, name) => {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
};

// Evaluated from outside, so that the page's content security policy stays as it is.
const examine = async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const { id, help, nodes } of violations) {
      problems.push(`${name}, ${colorScheme}: ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join("; ")}`);
    }
    await shoot(page, `${name}-${colorScheme}`);
  }
};

const browse = async (options, use) => {
  const profile = await mkdtemp(join(tmpdir(), "muster-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
    ...options,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("console", (message) => {
    if (message.type() === "error" && !/404|422|ERR_INTERNET_DISCONNECTED/.test(message.text())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  try {
    await use(page);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
};

const logIn = async (page) => {
  await page.goto(`${CONSOLE}/login`);
  await page.fill("#name", NAME);
  await page.fill("#password", PASSWORD);
  await page.press("#password", "Enter");
  await page.waitForURL(`${CONSOLE}/`);
};

const openDevice = async (page) => {
  await page.goto(`${CONSOLE}/devices`);
  await page.click(`a.device-name:has-text("${ENDPOINT}")`);
  await page.waitForSelector("#device-facts");
};

const openObjects = async (page) => {
  await openDevice(page);
  await page.click('ul.tabs a:has-text("Objects")');
  await page.waitForSelector(`#${ROW}`, { state: "attached" });
};

// With the Tab key alone; a folded object on the way is unfolded with Enter.
const tabTo = async (page, row, action) => {
  for (let pressed = 0; pressed < 600; pressed += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(([row, action]) => {
      const focused = document.activeElement;
      if (focused?.matches(`#${row} button[value="${action}"]`)) return "there";
      const object = focused?.closest("details.object");
      const folded = focused?.tagName === "SUMMARY" && !object.open && object.querySelector(`#${row}`);
      return folded ? "folded" : "";
    }, [row, action]);
    if (at === "folded") await page.keyboard.press("Enter");
    if (at === "there") return;
  }
  throw new Error(`the Tab key does not lead to ${action} of ${row}`);
};

const seesAChange = async (page, value) => {
  process.stdout.write(`change ${value}\n`);
  await told.next();
  const changed = Date.now();
  await page.waitForFunction(
    ([cell, value]) => document.querySelector(cell)?.textContent.trim() === value, [CELL, value], { timeout: 15000, polling: 20 },
  );
  return Date.now() - changed;
};

// Slow enough that somebody sees how far it is.
const SENT_A_SECOND = 1_000_000;
const IMAGE = { name: "image.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(3 << 20, 7) };

const uploads = async (page) => {
  await page.goto(`${CONSOLE}/enrolment/classes/default/updates`);
  await page.check("#policy #field-unsigned");
  await page.click("#policy button.primary");
  await page.waitForSelector("#field-unsigned:checked");
  await page.goto(`${CONSOLE}/artefacts`);
  await examine(page, "artefacts");
  check(await page.locator("form[data-upload] progress").isHidden(), "nothing is being sent yet");
  await page.evaluate(() => {
    const [bar, seen] = [document.querySelector("form[data-upload] progress"), []];
    new MutationObserver(() => {
      if (bar.hasAttribute("value")) seen.push(bar.value / bar.max);
      sessionStorage.setItem("seen", JSON.stringify(seen));
    }).observe(bar, { attributes: true });
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: SENT_A_SECOND };
  await devtools.send("Network.emulateNetworkConditions", slow);
  await page.fill("#field-name", "gateway");
  await page.fill("#field-version", "1.4.0");
  await page.setInputFiles("#field-image", IMAGE);
  await page.click("form[data-upload] button.primary");
  await page.waitForSelector("form[data-upload] .upload progress:visible");
  await page.waitForFunction(() => document.querySelector(".upload span")?.textContent.includes("of 3.0 MiB"));
  check(await page.locator("form[data-upload] button.primary").isDisabled(), "the form could be sent twice");
  await examine(page, "uploading");
  await page.waitForURL(/\/artefacts\/.+done=artefact-added/, { timeout: 60000 });
  check((await page.textContent("h1")).trim() === "gateway 1.4.0", "the page of the artefact is shown");
  const seen = JSON.parse(await page.evaluate(() => sessionStorage.getItem("seen")));
  check(seen.some((part) => part > 0 && part < 1), `the bar has shown ${seen} alone`);
  check(seen.every((part, at) => at === 0 || part >= seen[at - 1]), `the bar has gone back: ${seen}`);

  // What is refused is said, and what was typed stays.
  await page.goto(`${CONSOLE}/artefacts`);
  await page.fill("#field-name", "gateway");
  await page.fill("#field-version", "1.5.0");
  await page.click("form[data-upload] button.primary");
  await page.waitForSelector("#field-image-problem");
  check((await page.inputValue("#field-version")) === "1.5.0", "what was typed stays");
  // So is that nobody answers; and then it can be sent again.
  await devtools.send("Network.emulateNetworkConditions", { ...slow, offline: true });
  await page.setInputFiles("#field-image", IMAGE);
  await page.click("form[data-upload] button.primary");
  await page.waitForSelector('.upload span:has-text("broke off")');
  await devtools.send("Network.emulateNetworkConditions", { ...slow, uploadThroughput: -1 });
  await page.click("form[data-upload] button.primary");
  await page.waitForURL(/\/artefacts\/.+done=artefact-added/, { timeout: 60000 });
};

const withScript = async (page) => {
  await page.goto(SETUP);
  await examine(page, "set-up");
  await page.fill("#name", NAME);
  await page.fill("#password", PASSWORD);
  await page.fill("#again", PASSWORD);
  await page.press("#again", "Enter");
  await page.waitForURL(`${CONSOLE}/`);
  await examine(page, "overview");
  await page.click('form[action="/logout"] button');
  await page.waitForURL(`${CONSOLE}/login`);
  await examine(page, "login");
  await logIn(page);
  await page.goto(`${CONSOLE}/devices`);
  await examine(page, "devices");

  await openDevice(page);
  const device = page.url();
  await examine(page, "device");
  await openObjects(page);
  await tabTo(page, ROW, "observe");
  await page.keyboard.press("Enter");
  await page.waitForSelector(`#${ROW} .tag:has-text("observed")`);
  await page.waitForFunction(() => document.getElementById("live-status")?.textContent === "Live");
  await page.evaluate(() => { globalThis.sameDocument = true; });
  const took = await seesAChange(page, "31.25");
  check(await page.evaluate(() => globalThis.sameDocument), "the page was loaded again");
  check(took <= 2000, `the change was seen after ${took} ms, not within 2 s`);
  process.stdout.write(`seen after ${took} ms\n`);
  await examine(page, "objects");

  await page.goto(`${device}/nodes/3303/0/5700`);
  await examine(page, "resource");
  await page.click("form.card button[value=discover]");
  await page.waitForSelector("#operation");
  await examine(page, "operation");
  for (const [path, name] of [
    ["nodes/3303/0", "instance"], ["nodes/3303", "object"], ["nodes/3/0/4", "executable"], ["nodes/19/0/0", "several-values"],
    ["operations", "queue"], ["timeline", "events"], ["values?path=/3303/0/5700", "values"], ["credentials", "credentials"],
    ["security", "security"], ["danger", "danger"], ["remove", "remove"], ["connect", "connect"],
  ]) {
    await page.goto(`${device}/${path}`);
    await examine(page, name);
  }
  for (const [path, name] of [
    ["enrolment", "enrolment"], ["enrolment/import", "import"], ["enrolment/claims", "claims"], ["enrolment/classes", "classes"],
    ["enrolment/classes/default", "class"], ["diary", "diary"], ["devices?state=unmanaged", "unmanaged"], ["models", "models"],
    ["audit", "audit"], ["settings", "settings"], ["settings/accounts", "accounts"], ["settings/tokens", "tokens"],
    ["settings/webhooks", "webhooks"],
  ]) {
    await page.goto(`${CONSOLE}/${path}`);
    await examine(page, name);
  }
  await page.goto(`${CONSOLE}/enrolment`);
  await page.fill("#field-endpoint", "added-in-the-browser");
  await page.click("#add button.primary");
  await page.waitForSelector("#key-bootstrap");
  await examine(page, "shown-once");
  const key = await page.textContent("#key-bootstrap");
  await page.reload();
  check(!(await page.content()).includes(key.trim()), "a key is shown once, not after the page is loaded again");
  await uploads(page);
  await page.goto(`${CONSOLE}/no-such-page`);
  await examine(page, "error");
};

const onAPhone = async (page) => {
  await logIn(page);
  for (const [open, name] of [
    [() => page.goto(`${CONSOLE}/`), "overview"], [() => page.goto(`${CONSOLE}/devices`), "devices"], [() => openDevice(page), "device"],
    [() => openObjects(page), "objects"], [() => page.goto(`${CONSOLE}/enrolment`), "enrolment"], [() => page.goto(`${CONSOLE}/diary`), "diary"],
    [() => page.goto(`${CONSOLE}/audit`), "audit"], [() => page.goto(`${CONSOLE}/settings/accounts`), "accounts"],
  ]) {
    await open();
    const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    check(wide <= view, `${name} is ${wide} px wide on a phone of ${view} px`);
    await examine(page, `phone-${name}`);
  }
};

const withoutScript = async (page) => {
  await logIn(page);
  await openObjects(page);
  await page.click(`details.object:has(#${ROW}) summary`).catch(() => {});
  const button = page.locator(`#${ROW} button[value="read"]`);
  if (!(await button.isVisible())) await page.click(`details.object:has(#${ROW}) summary`);
  await button.click();
  await page.waitForSelector(CELL);
  check((await page.textContent(CELL)).trim() === "31.25", "the value is on the page without JavaScript");
  check(await page.locator("#live-toggle").isHidden(), "nothing is offered that needs JavaScript");
  await shoot(page, "device-without-script");
};

await browse({ viewport: { width: 1280, height: 900 } }, withScript);
await browse({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, onAPhone);
await browse({ javaScriptEnabled: false }, withoutScript);
check(problems.length === 0, problems.join("\n"));
// Standard input would keep the process.
process.exit(0);
