/* A cell's details: everything its records say, beside the matrix. */

const HASHES = { weights_sha256: "final weights", init_sha256: "initial weights", predictions_sha256: "predictions", history_sha256: "history", outputs_sha256: "outputs", files_sha256: "files", printed_sha256: "standard output", data_sha256: "data" };

function detailsOf(cell, shared, content) {
  const runs = runsOf(content, shared);
  const first = firstRecord(content, runs);
  return [
    heading(cell),
    verdict(cell),
    html("p", { class: "beside" }, html("button", { type: "button", click: () => pickSecond(true) }, "Compare with another cell"), " ", html("span", { id: "picking", role: "status" })),
    runs.length ? runTable(runs) : null,
    ...runs.map((run) => failure(run, content.records[run.repeat])),
    first && settings(first, shared),
    first && first.script !== undefined && script(shared.scripts[first.script]),
    html("section", {}, html("h3", {}, "Weights, tensor by tensor"), html("div", { id: "tensors" })),
    first && first.history !== null && historyTable(shared.histories[first.history]),
    hashes(runs),
    first && environment(shared.environments[first.environment]),
    machine(content.machine, shared.machines[content.machine], first, shared),
    files(content, runs),
  ];
}

function runsOf(content, shared) { return content.runs.map((run) => Object.fromEntries(shared.run.map((name, i) => [name, run[i]]))); }

/** The record that the rest comes from: of the first completed run, else of the first run. */
function firstRecord(content, runs) {
  const run = runs.find((one) => one.status === "completed" && content.records[one.repeat]) || runs.find((one) => content.records[one.repeat]);
  return run ? content.records[run.repeat] : null;
}

function heading(cell) {
  return [closeButton(), html("h2", { id: "cell-details-title" }, tileIn(cell), " ", html("span", { class: "id" }, broken(cells().id[cell])))];
}

function closeButton() { return html("button", { type: "button", class: "close", "aria-label": "Close the details", click: closeDetails }, "×"); }

/** A cell's tile as it is in the matrix when classes are coloured. */
function tileIn(cell) {
  const { text: mark, look } = tileOf(cell);
  const name = className(cell);
  return html("i", { class: `tile ${name ? colourOfClass(name) + (name === UNSTABLE ? " hatched" : "") : look}`, "aria-hidden": "true" }, mark);
}

/** An id that may be broken after its commas. */
function broken(id) { return id.split(",").flatMap((part, i, all) => (i < all.length - 1 ? [`${part},`, html("wbr", {})] : [part])); }

function verdict(cell) {
  const name = className(cell);
  const one = workload().classes.find((candidate) => candidate.name === name);
  const words = [];
  if (name === UNSTABLE) words.push("Unstable: runs of these very settings ended with different weights.");
  else if (name) words.push(`Class ${name}, ${one.cells > 1 ? `shared with ${counted(one.cells - 1, "other cell")}` : "of this cell alone"}; ${{ stable: "stable: every repeat left the same weights", untested: "untested: it completed only one run" }[cells().verdict[cell]]}.`);
  else words.push(`No weights: ${statusWords(cell)}.`);
  if (name && name !== UNSTABLE && whereOf(name)) words.push(`The class is: ${whereOf(name)}.`);
  if (name && isMixed(cell)) words.push(`Its runs: ${statusWords(cell)}.`);
  const differing = differingOf(cell);
  if (differing) words.push(`The weights are equal in every run, other results are not: ${differing}.`);
  if (cells().emulated[cell]) words.push("Emulated: other hardware was imitated, by a capped instruction set or fewer CPUs.");
  return html("p", { class: "verdict" }, words.join(" "), reasonOf(cell) && html("span", { class: "reason" }, reasonOf(cell)));
}

function table(head, rows, look = "") {
  return html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table: ${head.join(", ")}` }, html("table", { class: look }, html("thead", {}, html("tr", {}, head.map((name) => html("th", { scope: "col" }, name)))), html("tbody", {}, rows)));
}

function cellsOf(values) { return values.map((value) => html("td", {}, value)); }

function runTable(runs) {
  const rows = runs.map((run) => html("tr", {}, cellsOf([String(run.repeat), run.status.replace(/_/g, " "), html("code", { title: run.weights_sha256 || "" }, (run.weights_sha256 || "").slice(0, 10)), number(run.loss, 9).replace("unknown", ""), number(run.value, 9).replace("unknown", ""), run.total_s === null ? "" : `${number(run.total_s, 3)} s`, run.isolation || ""])));
  return html("section", {}, html("h3", {}, "Runs"), table(["run", "status", "weights", "loss", workload().metric.replace(/_/g, " ") || "metric", "time", "process"], rows));
}

function failure(run, record) {
  const error = record && record.failure;
  if (!error && !run.reason) return null;
  return html("section", { class: "failure" }, html("h3", {}, `Run ${run.repeat}: ${run.status.replace(/_/g, " ")}`),
    html("p", {}, run.reason || ""),
    error && html("p", {}, html("b", {}, error.type), error.message && error.message !== run.reason ? `: ${error.message}` : ""),
    error && error.traceback && html("details", {}, html("summary", {}, "Traceback"), html("pre", { tabindex: 0 }, error.traceback)),
    error && error.log && html("details", { open: true }, html("summary", {}, "End of the log"), html("pre", { tabindex: 0 }, error.log)));
}

function settings(record, shared) {
  const varied = new Set(workload().axes.map((axis) => axis.name));
  const rows = record.settings.map((place) => shared.settings[place]).sort((a, b) => varied.has(b[0]) - varied.has(a[0]));
  return html("section", {}, html("h3", {}, "Settings, as asked and as found"), table(["setting", "asked", "found", "how it was read"],
    rows.map(([name, asked, found, how]) => html("tr", { class: varied.has(name) ? "varied" : "" }, html("th", { scope: "row" }, name), html("td", {}, asked), html("td", { class: found === null ? "unknown" : "" }, found === null ? "unknown" : found), html("td", { class: "how" }, how)))));
}

/** A user's script: what was started, what it set itself, and what it tried to reach. */
function script(own) {
  const data = Object.entries(own.data).map(([target, sha256]) => html("li", {}, `${target} `, html("code", { class: "long" }, sha256)));
  const facts = [[own.module ? "module" : "file", own.path || own.module], ["arguments", own.arguments.length ? html("code", {}, own.arguments.map(quoted).join(" ")) : "none"], ["folder", html("code", { class: "long" }, own.folder_sha256)], ["digest", html("code", { class: "long" }, own.sha256)]];
  return html("section", { class: "script" }, html("h3", {}, "Script"), list(facts),
    data.length > 0 && html("details", {}, html("summary", {}, counted(data.length, "data file")), html("ul", {}, data)),
    own.calls.length > 0 && [html("h4", {}, "What it set itself"), table(["setting", "value", "where", "effect"], own.calls.map((call) => html("tr", {}, html("th", { scope: "row" }, call.setting), cellsOf([call.value, html("code", {}, call.place), call.effect]))))],
    own.connections.length > 0 && [html("h4", {}, "What it tried to reach"), table(["address", "where"], own.connections.map((one) => html("tr", {}, cellsOf([html("code", {}, one.address), html("code", {}, one.place)]))))]);
}

/** An argument as a shell would have it. */
function quoted(text) { return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`; }

function hashes(runs) {
  const rows = runs.filter((run) => run.weights_sha256).flatMap((run) => Object.entries(HASHES).filter(([key]) => run[key] && (key !== "outputs_sha256" || run[key] !== run.predictions_sha256)).map(([key, name]) => html("tr", {}, cellsOf([String(run.repeat), name, html("code", { class: "long" }, run[key])]))));
  return rows.length ? html("section", {}, html("h3", {}, "Hashes (SHA-256)"), table(["run", "of", "digest"], rows)) : null;
}

function historyTable(own) {
  const names = Object.keys(own);
  const epochs = Math.max(0, ...names.map((name) => own[name].length));
  const rows = Array.from({ length: Math.min(epochs, 200) }, (_, i) => html("tr", {}, cellsOf([String(i + 1), ...names.map((name) => String(own[name][i] ?? ""))])));
  return epochs ? html("section", {}, html("h3", {}, "History, exact"), table(["epoch", ...names.map((name) => name.replace(/_/g, " "))], rows, "numbers")) : null;
}

function environment(own) {
  const packages = Object.entries(own.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  const facts = [["id", own.id], ["lock", html("code", { class: "long" }, own.lock_sha256)], ["image", html("code", { class: "long" }, own.image)], ["base", own.base], ...Object.entries(own.engine).map(([key, value]) => [key === "name" ? "engine" : `engine ${key}`, value])];
  return html("section", {}, html("h3", {}, "Environment"), list(facts), html("details", {}, html("summary", {}, counted(packages.length, "package")),
    html("ul", { class: "packages" }, packages.map(([name, version]) => html("li", {}, `${name} ${version}`)))));
}

function machine(name, hardware, record, shared) {
  const described = hardware || {};
  const facts = [["machine", `${DATA.machines[name] ?? ""} · ${name}`], ["CPU", described.cpu_model], ["microarchitecture", described.microarchitecture], ["CPUs", Array.isArray(described.visible_cpus) ? `${described.visible_cpus.length} visible` : ""], ["memory", described.memory_bytes ? `${number(described.memory_bytes / 2 ** 30)} GiB` : ""],
    ["system", [described.os, described.kernel && `kernel ${described.kernel}`, described.glibc && `glibc ${described.glibc}`].filter(Boolean).join(", ")], ["hypervisor", described.hypervisor],
    ["GPUs", (described.gpus || []).map((gpu) => Object.values(gpu).filter(Boolean).join(", ")).join("; ")]].filter(([, value]) => value);
  const process = record ? shared.processes[record.process] : {};
  return html("section", {}, html("h3", {}, "Machine and process"), list(facts),
    described.cpu_flags && html("details", {}, html("summary", {}, counted(described.cpu_flags.length, "CPU flag")), html("p", { class: "flags" }, described.cpu_flags.join(" "))),
    Object.keys(process).length > 0 && html("details", {}, html("summary", {}, "As TensorFlow says of itself"), html("pre", { tabindex: 0 }, JSON.stringify(process, null, 1))),
    record && html("p", { class: "fine" }, `Started ${record.started}, code ${record.code.slice(0, 10)}.`));
}

function list(facts) { return html("dl", { class: "facts" }, facts.map(([name, value]) => [html("dt", {}, name), html("dd", {}, value)])); }

function files(content, runs) {
  const folder = ["results", content.matrix, content.machine, content.cell].map(encodeURIComponent).join("/");
  const present = runs.filter((run) => content.records[run.repeat]);
  return present.length ? html("p", { class: "fine" }, "Records: ", present.flatMap((run, i) => [i ? ", " : "", html("a", { href: `${folder}/${run.repeat}.json` }, `${run.repeat}.json`)])) : null;
}

/** The difference of a cell's weights from the baseline's, tensor by tensor. */
async function tensorTable(cell) {
  const target = document.getElementById("tensors");
  if (!target) return undefined;
  const point = pointOf(cell);
  const baseline = workload().distances.points.length ? pointLabel(view.baseline) : "";
  const say = (words) => target.replaceChildren(html("p", { class: "fine" }, words));
  if (!className(cell)) return say("It has no weights.");
  if (point === null) return say("Its class is too small to be among those compared.");
  if (point === view.baseline) return say(`It is of the baseline itself (${baseline}): choose another baseline to see a difference.`);
  const pair = pairOf(point, view.baseline);
  if (!pair) return say(`It was not compared with ${baseline}; choose class A as the baseline.`);
  const rows = await tensorsOf(pair);
  return target.replaceChildren(html("p", {}, pairWords(pair, baseline)), table(["tensor", "shape", "differing", "relative L2", "largest ULP", "largest absolute"],
    rows.map(([name, shape, l2, ulp, most, differing, elements, other]) => html("tr", {}, html("th", { scope: "row" }, other ? `${name} (${other})` : name), cellsOf([`(${shape.join(", ")})`, differing === null ? "" : `${differing.toLocaleString("en")} of ${elements.toLocaleString("en")}`, l2 === null ? "" : number(l2), ulp === null ? "" : number(ulp), most === null ? "" : number(most)])))));
}

/** The sizes of a pair's difference, tensor by tensor. */
async function tensorsOf(pair) {
  const tables = await load(`tensors-${view.workload}`);
  return tables.tensors[workload().distances.pairs.indexOf(pair)];
}

function pairWords(pair, baseline) {
  const changed = pair[PAIR.churn] === null ? "" : ` ${churnName()}: ${number(pair[PAIR.churn])}.`;
  return `Against ${baseline}: relative L2 ${number(pair[PAIR.relative_l2])}, ${pair[PAIR.differing].toLocaleString("en")} of ${pair[PAIR.elements].toLocaleString("en")} weights have other bits${pair[PAIR.origin] ? `; ${pair[PAIR.origin]}` : ""}.${changed}`;
}
