// How a text gets to a telephone. This one only prints it. Whatever takes its place has the same `send`.

/** Sends a text to a number, `+14185810827`. It throws when the provider does not take it: then it is tried again. */
export async function send(number, text) {
  console.log(`to ${number}: ${text}`);
}
