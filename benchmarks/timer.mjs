// The way most timer services draw: a canvas, every frame painted, gifencoder. Prints CPU milliseconds and bytes as JSON.
// Arguments: the folder that node_modules is in, a font file, how many frames.
import {createRequire} from 'node:module';
const [folder, font, frames] = process.argv.slice(2);
const require = createRequire(folder + '/');
const {createCanvas, GlobalFonts} = require('@napi-rs/canvas');
const GIFEncoder = require('gifencoder');
GlobalFonts.registerFromPath(font, 'Digits');

const WIDTH = 600, HEIGHT = 140, CARD = 128, LABELS = ['DAYS', 'HOURS', 'MINUTES', 'SECONDS'];

function draw(remaining) {
  const canvas = createCanvas(WIDTH, HEIGHT), context = canvas.getContext('2d');
  const encoder = new GIFEncoder(WIDTH, HEIGHT);
  encoder.start();
  encoder.setRepeat(-1);
  encoder.setDelay(1000);
  encoder.setQuality(10);
  for (let frame = 0; frame < frames; frame++) {
    const left = remaining - frame;
    const values = [Math.floor(left / 86400), Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60, left % 60];
    context.fillStyle = '#fff';
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.textAlign = 'center';
    values.forEach((value, unit) => {
      const x = 20 + unit * (CARD + 16);
      context.fillStyle = '#111827';
      context.beginPath();
      context.roundRect(x, 14, CARD, 86, 12);
      context.fill();
      context.fillStyle = '#fff';
      context.font = 'bold 58px Digits';
      context.fillText(String(value).padStart(2, '0'), x + CARD / 2, 78);
      context.fillStyle = '#111827';
      context.font = 'bold 13px Digits';
      context.fillText(LABELS[unit], x + CARD / 2, 127);
    });
    encoder.addFrame(context);
  }
  encoder.finish();
  return encoder.out.getData().length;
}

draw(400000);
const start = process.cpuUsage();
let bytes = 0;
const ROUNDS = 3;
for (let round = 0; round < ROUNDS; round++) bytes = draw(300000 + 7777 * round);
const used = process.cpuUsage(start);
console.log(JSON.stringify({milliseconds: (used.user + used.system) / 1000 / ROUNDS, bytes}));
