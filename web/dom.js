// SPDX-License-Identifier: Apache-2.0
// Elements from text: nothing on this page is ever parsed as HTML.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
        if (name === 'text')
            node.textContent = value;
        else if (name.startsWith('on'))
            node.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false)
            node.setAttribute(name, value === true ? '' : String(value));
    }
    node.append(...children.flat().filter((c) => c !== null && c !== undefined));
    return node;
}

export const el = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS(SVG, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

/** Sets text only when it is another one, so that what is read aloud is what changed. */
export function say(node, text) {
    if (node.textContent !== text)
        node.textContent = text;
}

/** Hands a file to the user. */
export function save(name, text, type) {
    const url = URL.createObjectURL(new Blob([text], {type}));
    const a = el('a', {href: url, download: name});
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}
