// An argument's list and its diagram point at each other.

for (const proof of document.querySelectorAll('.proof')) {
  const light = (row, on) => {
    for (const part of proof.querySelectorAll(`[data-row="${row}"]`)) part.classList.toggle('lit', on);
  };
  for (const part of proof.querySelectorAll('[data-row]')) {
    part.addEventListener('pointerenter', () => light(part.dataset.row, true));
    part.addEventListener('pointerleave', () => light(part.dataset.row, false));
  }
}

// Commands are there to be copied.
for (const button of document.querySelectorAll('button.copy')) {
  const command = button.parentElement.querySelector('code');
  button.hidden = false;
  button.addEventListener('click', async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch {
      getSelection().selectAllChildren(command);
      said = 'Selected';
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
}
