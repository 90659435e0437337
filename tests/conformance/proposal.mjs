// The build_cache proposal, and nothing else, in JavaScript: what a small implementation looks like.
// It reads and answers the lines of `python -m faas_cache.conformance run --source proposal`.
import { createInterface } from "node:readline";

const isBare = (entry) => !/[,=]/.test(entry);
const hasKey = (entry, key) => entry.split(",").some((field) => field.startsWith(`${key}=`));

// The image without its tag: a colon before a slash begins a port.
function cacheImage(image) {
  const slash = image.lastIndexOf("/");
  const colon = image.indexOf(":", slash + 1);
  return `${colon < 0 ? image : image.slice(0, colon)}:buildcache`;
}

function longForm(setting, image) {
  if (setting === "inline") return { from: [image] };
  if (setting === "max") return { from: [cacheImage(image)], to: [cacheImage(image)] };
  return setting ?? {};
}

const split = (entries) =>
  entries.flatMap((entry) => (entry.includes("=") ? [entry] : entry.split(",")));

function importEntry(entry, exporting) {
  if (isBare(entry)) return exporting ? `type=registry,ref=${entry}` : entry;
  return hasKey(entry, "type") ? entry : `type=registry,${entry}`;
}

function exportEntry(entry) {
  if (isBare(entry)) return `type=registry,ref=${entry},mode=max`;
  if (hasKey(entry, "type")) return entry;
  return `type=registry,${entry}${hasKey(entry, "mode") ? "" : ",mode=max"}`;
}

function plan({ image, build_cache: setting, build_args: args = {} }, flags) {
  const enabled = setting !== undefined || flags.cache_from || flags.cache_to;
  const written = longForm(setting, image);
  const imports = split(flags.cache_from ?? written.from ?? []);
  const exports = split(flags.cache_to ?? written.to ?? []);
  return {
    cache_from: imports.map((entry) => importEntry(entry, exports.length > 0)),
    cache_to: exports.map(exportEntry),
    build_args: enabled ? { ...args, BUILDKIT_INLINE_CACHE: "1" } : args,
    env: enabled ? { DOCKER_BUILDKIT: "1" } : {},
  };
}

// What the proposal does not define is an error without a name of its own.
function answer(fn, flags) {
  try {
    return plan(fn, flags);
  } catch {
    return { errors: ["unsupported"] };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, function: fn, flags } = JSON.parse(line);
  console.log(JSON.stringify({ id, ...answer(fn, flags) }));
}
