// Fit every slide to 1280×720, then show the deck. Code and text shrink in steps, never below what the back row can
// read; pictures and tables take the room that is left, in one scale for all that share a slide.

const CODE_SIZES = [28, 26, 24, 22, 20];
const SMALLEST_TEXT = 26;
const COLUMN = 0.6021; // width of a character of DejaVu Sans Mono, in units of its size
const WIDTH = 1168; // of a page without its margins

function pictures(page) {
  return [...page.querySelectorAll("img.picture")];
}

function room(page) {
  const style = getComputedStyle(page);
  const blocks = [...page.children].filter((block) => !block.matches(".notes"));
  const used = blocks.reduce((sum, block) => sum + block.getBoundingClientRect().height, 0);
  return page.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)
    - used - parseFloat(style.rowGap) * (blocks.length - 1);
}

// Scale all pictures of a page to the room that is left; says whether they are as large as they should be.
function scalePictures(page) {
  const shown = pictures(page);
  if (!shown.length) return true;
  const [widths, heights] = ["width", "height"].map((name) => shown.map((image) => +image.getAttribute(name)));
  for (const image of shown) image.style.height = image.style.width = "0px";
  const [width, height] = [Math.max(...widths), heights.reduce((sum, one) => sum + one, 0)];
  const scale = Math.max(0, Math.min(1.9, 1130 / width, (room(page) - 2) / height));
  shown.forEach((image, i) => {
    image.style.width = widths[i] * scale + "px";
    image.style.height = heights[i] * scale + "px";
  });
  return scale >= Math.min(1.15, 1130 / width, 500 / height);
}

function hasWrappedLine(page, size) {
  const lines = [...page.querySelectorAll("pre:not(.error)")].flatMap((pre) => pre.textContent.split("\n"));
  return lines.some((line) => line.length * COLUMN * size > WIDTH - 36);
}

// Tables and other HTML have their own small sizes, made for a notebook: enlarge what fits, shrink what does not.
function scaleHtml(page) {
  for (const block of page.querySelectorAll(".html")) {
    if (block.querySelector("img.picture")) continue;
    block.style.width = "max-content";
    const fits = (zoom) => {
      block.style.zoom = zoom;
      block.style.maxWidth = WIDTH / zoom + "px"; // lengths inside are zoomed too
      return room(page) >= 0 && block.scrollWidth <= block.clientWidth + 1;
    };
    [1.25, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5].find(fits);
  }
}

function fit(page) {
  for (const size of CODE_SIZES) {
    page.style.setProperty("--code-size", size + "px");
    page.style.setProperty("--text-size", Math.max(SMALLEST_TEXT, size + 4) + "px");
    scaleHtml(page);
    if (scalePictures(page) && room(page) >= 0 && !hasWrappedLine(page, size)) return;
  }
}

(async () => {
  document.documentElement.classList.add("measuring");
  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  document.querySelectorAll(".page").forEach(fit);
  document.documentElement.classList.remove("measuring");
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t",
    transition: "none", pdfSeparateFragments: false, plugins: [RevealNotes],
  });
  document.documentElement.dataset.ready = "1";
})();
