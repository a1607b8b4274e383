// Lets the page load the fonts for letters that an English page does not need. Loaded behind the first paint.

import css from "./more-letters.css?inline";

const style = document.createElement("style");
style.textContent = css;
document.head.append(style);
