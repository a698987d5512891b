import { UnsupportedError, UsageError, type XcapError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { LOGICAL_HOOKS } from './catalogue.ts';
import { obstacle, type FunctionFacts, type FunctionKernel } from './function-facts.ts';
import { functionNames, packetFunctions } from './packet-functions.ts';
import { FORMS } from './parse.ts';
import type { FunctionSpec } from './spec.ts';

/** Which of the ways a function can be out of reach it is, and what can be hooked instead. */
export function cannotHook(
  spec: FunctionSpec,
  id: string,
  facts: FunctionFacts,
  kernel: FunctionKernel,
): XcapError {
  const { name } = spec;
  const { described, symbols, twins } = facts;
  const doing = `choosing hooks: ${id}`;
  switch (obstacle(name, facts, kernel)) {
    case 'renamed':
      return new UnsupportedError(
        `${doing}: the compiler made ${twins.join(', ')} of it, with arguments of its own choice`,
        { hint: `if you know which argument is the packet: kprobe:${twins[0] ?? ''}@N` },
      );
    case 'inlined':
      if (described === undefined) return unknownFunction(spec, doing, kernel);
      return new UnsupportedError(
        `${doing}: it is inlined wherever it is called: there is no code of that name`,
        { hint: nearHint(name, kernel) },
      );
    case 'untraceable':
      return new UnsupportedError(
        `${doing}: the kernel does not let it be traced: it is not in available_filter_functions`,
        { hint: nearHint(name, kernel) },
      );
    case undefined: {
      const module = symbols[0]?.module;
      const where =
        module === undefined ? 'the kernel has no types of it' : `module ${module} has no BTF`;
      return new UnsupportedError(`${doing}: ${where}: which argument is the packet?`, {
        hint: `say so: kprobe:${name}@1 takes the first one`,
      });
    }
  }
}

function unknownFunction(spec: FunctionSpec, doing: string, kernel: FunctionKernel): UsageError {
  const { name, backend } = spec;
  // Bare words are more often misspelt hooks.
  const logical = LOGICAL_HOOKS.flatMap((hook) => [hook.id, ...hook.aliases]);
  const close = backend === undefined ? nearest(name, logical) : [];
  const functions = close.length > 0 ? close : nearFunctions(name, kernel);
  const what = backend === undefined ? 'no such hook' : 'no such function';
  const advice = [
    ...(functions.length > 0 ? [`did you mean ${functions.join(' or ')}?`] : []),
    ...(close.length > 0 ? [] : moduleAdvice(name, kernel)),
  ];
  const forms = close.length > 0 || functions.length === 0 ? [FORMS] : [];
  return new UsageError(`${doing}: ${what}`, { hint: [...advice, ...forms].join(' ') });
}

/** Functions of a module mostly begin with its name: `veth_xmit`. */
function moduleAdvice(name: string, kernel: FunctionKernel): readonly string[] {
  const loaded = new Set(kernel.loadedModules());
  const [module] = kernel
    .loadableModules()
    .filter((each) => name.startsWith(`${each}_`) && !loaded.has(each))
    .sort((a, b) => b.length - a.length);
  return module === undefined ? [] : [`module ${module} is not loaded: modprobe ${module}`];
}

function nearHint(name: string, kernel: FunctionKernel): string {
  const close = nearFunctions(name, kernel);
  return close.length > 0 ? `near it: ${close.join(', ')}` : 'xcap hooks lists what can be hooked';
}

/** Functions of similar names that have a packet or a socket, and code. */
function nearFunctions(name: string, kernel: FunctionKernel): readonly string[] {
  // Decoding each prototype would take longer than the rest: first what looks alike.
  const alike = new Set(nearest(name, functionNames(kernel), 30));
  alike.delete(name);
  const hookable = new Set(
    [...packetFunctions(kernel, (each) => alike.has(each))].map((each) => each.name),
  );
  const compiled = kernel.symbols.find(hookable);
  return [...alike].filter((each) => compiled.has(each)).slice(0, 3);
}
