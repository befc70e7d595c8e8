// Nothing is waited for without an end: a browser's storage may never answer.

export function within(milliseconds, work) {
  let timer;
  const over = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new DOMException(`no answer in ${milliseconds} ms`, "TimeoutError")), milliseconds);
  });
  return Promise.race([work, over]).finally(() => clearTimeout(timer));
}
