// SPDX-License-Identifier: Apache-2.0
// A browser that does what it is told: one JSON object a line on stdin, one answer a line on stdout. Driven by browser.py.

import readline from 'node:readline';
import {chromium} from 'playwright-core';

const problems = [];
let weight = {};
let requests = [];
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
let page = null;

async function open({width, height, dark, reduced, touch, scale = 1}) {
    if (page)
        await page.context().close();
    const context = await browser.newContext({
        viewport: {width, height}, colorScheme: dark ? 'dark' : 'light', reducedMotion: reduced ? 'reduce' : 'no-preference', hasTouch: Boolean(touch),
        isMobile: Boolean(touch), deviceScaleFactor: scale,
        timezoneId: 'UTC', acceptDownloads: true,
    });
    page = await context.newPage();
    weight = {};
    requests = [];
    page.on('console', (m) => {
        if (m.type() === 'error' || m.type() === 'warning')
            problems.push(`${m.type()}: ${m.text()} ${m.location().url}`);
    });
    page.on('pageerror', (e) => problems.push(`page: ${e.message}`));
    page.on('request', (r) => requests.push(r.url()));
    page.on('response', async (r) => {
        if (r.request().method() === 'GET')
            weight[r.url()] = (await r.body().catch(() => '')).length;
    });
}

const does = {
    open,
    goto: ({url}) => page.goto(url),
    eval: ({code}) => page.evaluate(code),
    click: ({what}) => page.click(what, {timeout: 5000}),
    hover: ({what}) => page.hover(what, {timeout: 5000}),
    press: ({key}) => page.keyboard.press(key),
    drag: async ({what, dx}) => {
        const box = await page.locator(what).boundingBox();
        const [x, y] = [box.x + box.width * 0.7, box.y + box.height * 0.55];
        await page.mouse.move(x, y);
        await page.mouse.down();
        await page.mouse.move(x + dx / 2, y, {steps: 4});
        await page.mouse.move(x + dx, y, {steps: 4});
        await page.mouse.up();
    },
    shot: async ({path, what, full}) => {
        await (what ? page.locator(what).screenshot({path}) : page.screenshot({path, fullPage: Boolean(full)}));
    },
    download: async ({what, path}) => {
        const [download] = await Promise.all([page.waitForEvent('download', {timeout: 8000}), page.click(what)]);
        await download.saveAs(path);
        return download.suggestedFilename();
    },
    size: ({width, height}) => page.setViewportSize({width, height}),
    // The page as a browser that runs already sees it for the first time.
    fresh: async ({url}) => {
        await page.goto('about:blank');
        const session = await page.context().newCDPSession(page);
        await session.send('Network.clearBrowserCache');
        await session.detach();
        await page.goto(url);
    },
    // Answers calls of these methods with an error, as a node without them does; in so many texts.
    refuse: ({methods, code = -32601, texts = Infinity}) => page.route('**/*', async (route) => {
        if (route.request().method() !== 'POST' || texts-- <= 0)
            return route.continue();
        const calls = route.request().postDataJSON();
        const answer = await route.fetch();
        const answers = await answer.json();
        for (const a of answers) {
            const call = calls.find((c) => c.id === a.id);
            if (methods.includes(call.method)) {
                delete a.result;
                a.error = {code, message: code === -32601 ? `the method ${call.method} does not exist` : 'another time'};
            }
        }
        return route.fulfill({response: answer, json: answers});
    }),
    // Says these members in the answers of a method, as another node would.
    alter: ({method, members}) => page.route('**/*', async (route) => {
        const calls = route.request().method() === 'POST' ? route.request().postDataJSON() : [];
        if (!calls.some((c) => c.method === method))
            return route.continue();
        const answer = await route.fetch();
        const answers = await answer.json();
        answers.filter((a) => calls.find((c) => c.id === a.id).method === method).forEach((a) => Object.assign(a.result, members));
        return route.fulfill({response: answer, json: answers});
    }),
    asItIs: () => page.unroute('**/*'),
    problems: () => problems.splice(0),
    weight: () => weight,
    requests: () => requests,
};

for await (const line of readline.createInterface({input: process.stdin})) {
    const {do: verb, ...args} = JSON.parse(line);
    try {
        const result = await does[verb](args);
        process.stdout.write(`${JSON.stringify({result: result ?? null})}\n`);
    } catch (error) {
        process.stdout.write(`${JSON.stringify({error: error.message})}\n`);
    }
}
await browser.close();
