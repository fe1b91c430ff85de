"use strict";

const passedOn = {};
for (const [name, value] of new URLSearchParams(window.location.search)) {
    if (name === "device_id" || name === "initial_device_display_name") {
        passedOn[name] = value;
    } else if (name === "refresh_token") {
        passedOn[name] = value === "true";
    }
}

function finish(response) {
    if (window.matrixLogin && window.matrixLogin.onLogin) {
        window.matrixLogin.onLogin(response);
    } else if (window.onLogin) {
        window.onLogin(response);
    } else {
        document.querySelector("main").textContent = "You are logged in. You may close this page.";
    }
}

async function logIn(form) {
    const problem = document.getElementById("problem");
    problem.textContent = "";
    let answer;
    let body;
    try {
        answer = await fetch("/_matrix/client/v3/login", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({
                ...passedOn,
                type: "m.login.password",
                identifier: { type: "m.id.user", user: form.user.value },
                password: form.password.value,
            }),
        });
        body = await answer.json();
    } catch (error) {
        problem.textContent = "The server does not answer.";
        return;
    }
    if (answer.ok) {
        finish(body);
    } else {
        problem.textContent = body.error || "This did not work.";
    }
}

document.getElementById("login").addEventListener("submit", (event) => {
    event.preventDefault();
    logIn(event.target);
});
