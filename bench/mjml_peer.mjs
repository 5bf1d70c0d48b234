// npm's mjml, warm, in one process: for each line "n" on standard input it renders the file n times and answers
// with one line of JSON: the milliseconds of each render, of the clock ("wall") and of the processor ("cpu").
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import mjml2html from "mjml";

const source = readFileSync(process.argv[2], "utf8");

async function faults() {
  try {
    return (await mjml2html(source)).errors.map((error) => error.formattedMessage);
  } catch (error) {
    return [String(error)];
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = { wall: [], cpu: [], errors: [] };
  for (let turn = 0; turn < Number(line); turn += 1) {
    const cpu = process.cpuUsage();
    const wall = performance.now();
    const errors = await faults();
    answer.wall.push(performance.now() - wall);
    const used = process.cpuUsage(cpu);
    answer.cpu.push((used.user + used.system) / 1000);
    answer.errors = errors;
  }
  console.log(JSON.stringify(answer));
}
