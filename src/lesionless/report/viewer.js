(function () {
  "use strict";
  var part = document.querySelector(".viewer-part");
  var about = JSON.parse(document.getElementById("viewer-slices").textContent);
  var stage = part.querySelector(".stage");
  var slider = document.getElementById("slice");
  var output = part.querySelector("output");
  var sheets = stage.querySelectorAll("div");

  function show() {
    var index = Number(slider.value);
    var column = index % about.columns, row = Math.floor(index / about.columns);
    var x = about.columns > 1 ? 100 * column / (about.columns - 1) : 0;
    var y = about.rows > 1 ? 100 * row / (about.rows - 1) : 0;
    sheets.forEach(function (sheet) { sheet.style.backgroundPosition = x + "% " + y + "%"; });
    output.textContent = about.captions[index];
    slider.setAttribute("aria-valuetext", about.captions[index]);
  }

  function switchLayers() {
    part.querySelectorAll("[data-layer]").forEach(function (box) {
      sheets[Number(box.dataset.layer)].hidden = !box.checked;
    });
  }

  function move(step) {
    slider.value = Number(slider.value) + step;
    show();
  }

  sheets.forEach(function (sheet, number) {
    sheet.style.backgroundImage = "url(" + about.layers[number].source + ")";
    sheet.style.backgroundSize = 100 * about.columns + "% " + 100 * about.rows + "%";
  });
  stage.style.width = "min(100%, calc(70vh * " + about.ratio + "))";
  stage.style.aspectRatio = about.ratio;
  slider.addEventListener("input", show);
  part.addEventListener("change", switchLayers);
  stage.addEventListener("wheel", function (event) {
    event.preventDefault();
    move(event.deltaY > 0 ? -1 : 1);
  }, { passive: false });
  part.hidden = false;
  switchLayers();
  show();
})();
