// Looks through each frame of this page and writes what it finds, as JSON, into the element "found".
function check(frame) {
  const page = frame.contentDocument, view = frame.contentWindow, problems = [], texts = [];
  const width = page.documentElement.clientWidth;
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest('title, style, script')) continue;
    const range = page.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter(box => box.width > 0 && box.height > 0);
    if (!boxes.length) {
      // a table's head may give way to names in the cells, nothing else may be hidden
      if (!parent.closest('thead')) problems.push('hidden: ' + node.data.slice(0, 40));
      continue;
    }
    const scrolls = !!parent.closest('.scroll');
    for (const box of boxes) {
      texts.push({ node, box });
      if (!scrolls && (box.left < 0 || box.right > width + 0.5)) problems.push('outside: ' + node.data.slice(0, 40));
    }
    const contrast = contrastOf(view, parent);
    if (contrast < 4.5) problems.push('contrast ' + contrast.toFixed(2) + ': ' + node.data.slice(0, 40));
  }
  for (let i = 0; i < texts.length; i++) {
    for (let j = i + 1; j < texts.length; j++) {
      const a = texts[i], b = texts[j];
      if (a.node !== b.node && overlap(a.box, b.box)) {
        problems.push('overlap: ' + a.node.data.slice(0, 30) + ' / ' + b.node.data.slice(0, 30));
      }
    }
  }
  if (page.documentElement.scrollWidth > width) problems.push('the page is wider than its window');
  const cards = [...page.querySelectorAll('section, .figures li')].map(card => card.getBoundingClientRect());
  cards.forEach((a, i) => cards.slice(i + 1).forEach(b => { if (overlap(a, b)) problems.push('cards overlap'); }));
  for (const svg of page.querySelectorAll('svg')) {
    const box = svg.getBoundingClientRect();
    if (box.width < 100 || box.height < 8) problems.push('no room for the chart: ' + svg.getAttribute('aria-label'));
  }
  const drawn = selector => [...page.querySelectorAll(selector)].filter(shape => {
    const box = shape.getBoundingClientRect();
    return box.width > 0 && box.height > 0;
  }).length;
  const within = (selector) => [...page.querySelectorAll(selector)].map(each => each.textContent.trim());
  return {
    name: frame.name, width, problems: [...new Set(problems)].slice(0, 40), texts: texts.length, title: page.title,
    sections: [...page.querySelectorAll('section')].map(section => section.id), headings: within('h1, h2'),
    figures: within('.figures li'), legend: within('.legend li'), strips: drawn('svg[aria-label^="rank "]'),
    rate: drawn('path.rate'), loads: drawn('path.load'), decodes: drawn('path.decode'), bars: drawn('#lengths svg path:not(.grid)'),
    ranks: page.querySelectorAll('#ranks tbody tr').length, slowest: within('#slowest tbody tr td.prompt'),
    failures: within('#failures tbody tr'), settings: within('#settings dt'),
    foreign: page.querySelectorAll('script, img, iframe, object, link, [src], [href], [onerror]').length,
  };
}
function overlap(a, b) {
  // lines that touch do not overlap; a glyph's box is a little taller than the glyph
  return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
}
// The ratio that WCAG 2 defines, between a text's colour and that of whatever is painted behind it.
function contrastOf(view, element) {
  const ink = luminance(view.getComputedStyle(element).color);
  let behind = 'rgb(255, 255, 255)';
  for (let e = element; e; e = e.parentElement) {
    const colour = view.getComputedStyle(e).backgroundColor;
    if (!/, 0\)$/.test(colour)) { behind = colour; break; }
  }
  const paper = luminance(behind);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}
function luminance(colour) {
  if (!colour.startsWith('rgb')) throw new Error('unknown colour ' + colour);
  const [r, g, b] = colour.match(/[\d.]+/g).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
addEventListener('load', () => {
  document.getElementById('found').textContent = JSON.stringify([...document.querySelectorAll('iframe')].map(check));
});
