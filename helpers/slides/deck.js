// Fit every slide to 1280×720, then show the deck. Code and text shrink in steps, never below what the back row can
// read; pictures and tables take the room that is left, in one scale for all that share a slide.

const CODE_SIZES = [26, 24, 22, 20];
const SMALLEST = 0.5; // below half of its natural size a picture is no longer worth showing
const LARGEST = 1.9;

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

function scalePictures(page) {
  const shown = pictures(page);
  if (!shown.length) return 1;
  for (const image of shown) image.style.height = image.style.width = "0px";
  const height = shown.reduce((sum, image) => sum + image.naturalHeight, 0);
  const width = Math.max(...shown.map((image) => image.naturalWidth));
  const scale = Math.min(LARGEST, (room(page) - 2) / height, 1130 / width);
  for (const image of shown) {
    image.style.width = Math.max(0, image.naturalWidth * scale) + "px";
    image.style.height = Math.max(0, image.naturalHeight * scale) + "px";
  }
  return scale;
}

// Tables and other HTML have their own small sizes, made for a notebook: enlarge what fits, shrink what does not.
function scaleHtml(page) {
  for (const block of page.querySelectorAll(".html")) {
    if (block.querySelector("img.picture")) continue;
    block.style.zoom = 1;
    block.style.width = "max-content";
    const fits = (zoom) => {
      block.style.zoom = zoom;
      return room(page) >= 0 && block.getBoundingClientRect().width <= 1168;
    };
    [1.25, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5].find(fits);
  }
}

function fit(page) {
  for (const size of CODE_SIZES) {
    page.style.setProperty("--code-size", size + "px");
    page.style.setProperty("--text-size", Math.max(26, size + 4) + "px");
    scaleHtml(page);
    if (scalePictures(page) >= SMALLEST && room(page) >= 0) return;
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
