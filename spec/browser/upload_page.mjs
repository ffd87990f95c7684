import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { after } from "node:test"
import { example } from "./example.mjs"

const directory = mkdtempSync(tmpdir() + "/rille-upload-")
after(() => rmSync(directory, { recursive: true }))

const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer })
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex")

async function send(page, files) {
  await page.getByLabel("Files").setInputFiles(files)
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Send" }).click()])
  return JSON.parse(await page.innerText("body"))
}

example("upload", "keeps the files of a form, and hashes them", async ({ page, url }) => {
  await page.goto(url)
  assert.equal(await page.title(), "Upload")
  await page.getByLabel("Name").fill("Zoë & Łukasz")
  const bytes = [Buffer.from("hello\r\n"), Buffer.alloc(3_000_000, "0123456789")]
  const answer = await send(page, [file("a b.txt", bytes[0]), file("größe.bin", bytes[1])])
  assert.equal(answer.fields.name, "Zoë & Łukasz")
  assert.deepEqual(answer.files.map(({ name }) => name), ["a b.txt", "größe.bin"])
  answer.files.forEach(({ path, size, sha256: hash }, i) => {
    assert.equal(size, bytes[i].length)
    assert.equal(hash, sha256(bytes[i]))
    assert.deepEqual(readFileSync(path), bytes[i])
  })
}, [0, directory])

example("upload", "takes a form without files, and the next one", async ({ page, url }) => {
  await page.goto(url)
  assert.deepEqual((await send(page, [])).files, [])
  await page.goBack()
  const one = await send(page, [file("x", Buffer.from("x"))])
  assert.equal(one.files[0].sha256, sha256("x"))
}, [0, directory])
