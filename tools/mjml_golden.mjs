// npm's mjml: for each path on standard input, reads the MJML at it and writes the HTML beside it.
// The package is the one in bench/node_modules, which bench/package-lock.json pins.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const load = createRequire(new URL("../bench/", import.meta.url));
const module = load("mjml");
const mjml2html = module.default ?? module;
const { version } = load("mjml/package.json");

let faults = 0;
for (const path of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const made = await mjml2html(readFileSync(path, "utf8"), { fonts: {}, minify: false, validationLevel: "soft" });
  for (const error of made.errors) console.error(`${path}: ${error.formattedMessage}`);
  faults += made.errors.length;
  writeFileSync(path.replace(/\.mjml$/, ".html"), made.html);
}
console.error(`npm mjml ${version}: ${faults} faults`);
process.exit(faults ? 1 : 0);
