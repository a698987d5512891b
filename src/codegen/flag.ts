/** A condition as the preprocessor has it. */
export const flag = (on: boolean): number => (on ? 1 : 0);
