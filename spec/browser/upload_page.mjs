import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { example } from "./example.mjs"

example("upload", "takes files from its form, and says their hashes", async ({ page, url }) => {
  const texts = ["small\n", "0123456789".repeat(200000)]
  await page.goto(url)
  await page.fill("input[name=name]", "Zoë")
  await page.setInputFiles("input[name=file]", texts.map((text, i) => (
    { name: `file ${i}.txt`, mimeType: "text/plain", buffer: Buffer.from(text) })))
  await page.click("button")
  await page.waitForFunction(() => document.body.innerText.includes("sha256"))
  const answer = JSON.parse(await page.innerText("body"))
  assert.deepEqual(answer.fields, { name: "Zoë" })
  assert.equal(answer.files.length, 2)
  answer.files.forEach((file, i) => {
    assert.equal(file.name, `file ${i}.txt`)
    assert.equal(file.size, texts[i].length)
    assert.equal(file.sha256, createHash("sha256").update(texts[i]).digest("hex"))
  })
})
